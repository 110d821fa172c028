// The parts of Apache ECharts that the pages use. `make check-javascript` builds build/echarts.js from
// them, and compares it with echarts.js next to this file; after a change, copy it here. See docs/decisions/0035.
import { init, use } from "echarts/core";
import { BarChart, CustomChart, LineChart, ParallelChart, ScatterChart } from "echarts/charts";
import { DataZoomInsideComponent, GridComponent, ParallelComponent, TooltipComponent } from "echarts/components";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";

use([
  BarChart,
  CustomChart,
  LineChart,
  ParallelChart,
  ScatterChart,
  DataZoomInsideComponent,
  GridComponent,
  ParallelComponent,
  TooltipComponent,
  LabelLayout,
  SVGRenderer,
]);

// A global, since a report has it as a script of its own file, from which another script can't import.
globalThis.echarts = { init };

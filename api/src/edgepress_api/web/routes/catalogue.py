"""Methods, exports, architectures and figures that the server supports; the schema of a spec, and templates."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from edgepress_api.job_templates.reading import list_templates
from edgepress_api.web.authorization import AUTHENTICATED
from edgepress_api.web.catalogue import list_architectures, list_exports, list_figures, list_methods
from edgepress_api.web.responses import json_response
from edgepress_common.answers.catalogue import ArchitectureList, ExportList, FigureList, MethodList
from edgepress_common.answers.templates import TemplateList
from edgepress_common.spec.json_schema import spec_schema

router = APIRouter(tags=["catalogue"], dependencies=[AUTHENTICATED])


@router.get("/v1/methods", response_model=MethodList)
def list_all_methods() -> Response:
    """List the compression methods that a stage can name, with their parameters and papers."""
    return json_response(list_methods())


@router.get("/v1/exports", response_model=ExportList)
def list_all_exports() -> Response:
    """List the exports (formats of a .tflite file), with their parameters and papers."""
    return json_response(list_exports())


@router.get("/v1/architectures", response_model=ArchitectureList)
def list_all_architectures() -> Response:
    """List the networks, with the options of each."""
    return json_response(list_architectures())


@router.get("/v1/figures", response_model=FigureList)
def list_all_figures() -> Response:
    """List the figures of a report's rows, with their units and formats, and which are criteria of recommendations."""
    return json_response(list_figures())


@router.get("/v1/templates", response_model=TemplateList)
def list_all_templates() -> Response:
    """List the templates of jobs: specs to start from, as text and as data."""
    return json_response(list_templates())


@router.get("/v1/spec-schema", response_model=dict[str, Any], response_description="JSON Schema, draft 2020-12.")
def show_spec_schema() -> Response:
    """Show the JSON Schema of a spec, with defaults: for forms, and for editors that check a spec as it is written."""
    return JSONResponse(spec_schema())

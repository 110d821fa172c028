"""Jobs as archives: a job that has ended leaves one server as a zip, and another imports it.

An archive is a claim: its author may have invented every figure. So its results stay with the imported job:

1. An imported step has a key of its own, which no plan can have (`importing`). No job finds it as a step that is done.
2. Access to an artifact follows from its bytes in the archive. A SHA-256 without its bytes opens nothing.
3. Latency models, and the images of uploaded data sets, leave imported steps out.
4. No step of an imported job ever runs: it can't be retried, extended or measured again.
"""

"""``/v1/methods``, ``/v1/exports``, ``/v1/architectures``: what a spec can ask for."""

from fastapi import APIRouter
from starlette.responses import Response

from edgepress_api.web.authorization import ANYBODY
from edgepress_api.web.catalogue import (
    ArchitectureList,
    ExportList,
    MethodList,
    list_architectures,
    list_exports,
    list_methods,
)
from edgepress_api.web.responses import json_response

router = APIRouter(tags=["catalogue"], dependencies=[ANYBODY])


@router.get("/v1/methods", response_model=MethodList)
def list_all_methods() -> Response:
    """List the methods that a pipeline's stages can have, with their parameters and papers."""
    return json_response(list_methods())


@router.get("/v1/exports", response_model=ExportList)
def list_all_exports() -> Response:
    """List the ways to write a .tflite file, with their parameters and papers."""
    return json_response(list_exports())


@router.get("/v1/architectures", response_model=ArchitectureList)
def list_all_architectures() -> Response:
    """List the networks, with what each can take."""
    return json_response(list_architectures())

# Builds images beside the composition:
#
#   docker buildx bake             the evaluator for linux/amd64 and linux/arm64, into the local engine
#   docker buildx bake all         every image for this machine's kind of processor
#   docker buildx bake release --push     every image as one for both kinds of processor, with SBOM and provenance, to a
#                                  registry (needs a builder that can: docker buildx create --use)
#
# An arm64 build runs no arm64 program, so it needs no emulator.

# Tag and label. A release sets them from its git tag; `dev` is a build of a working tree.
variable "EDGEPRESS_VERSION" { default = "dev" }
variable "EDGEPRESS_REVISION" { default = "unknown" }
# With a slash at its end, as in registry.example/team/.
variable "EDGEPRESS_REGISTRY" { default = "" }
variable "EDGEPRESS_PYTHON_IMAGE" { default = "python:3.11-slim-bookworm" }
# Where the image above is for one kind of processor only.
variable "EDGEPRESS_PYTHON_IMAGE_ARM64" { default = "" }

group "default" { targets = ["evaluator-amd64", "evaluator-arm64"] }
group "all" { targets = ["api", "worker", "evaluator"] }

target "common" {
  context = "."
  args = {
    PYTHON_IMAGE = EDGEPRESS_PYTHON_IMAGE
    BUILD_IMAGE  = EDGEPRESS_PYTHON_IMAGE
    VERSION      = EDGEPRESS_VERSION
    REVISION     = EDGEPRESS_REVISION
  }
}

target "api" {
  inherits   = ["common"]
  dockerfile = "api/Dockerfile"
  tags       = ["${EDGEPRESS_REGISTRY}edgepress-api:${EDGEPRESS_VERSION}"]
}

target "worker" {
  inherits   = ["common"]
  dockerfile = "worker/Dockerfile"
  tags       = ["${EDGEPRESS_REGISTRY}edgepress-worker:${EDGEPRESS_VERSION}"]
}

target "worker-cuda" {
  inherits = ["worker"]
  args     = { ACCELERATOR = "cuda" }
  tags     = ["${EDGEPRESS_REGISTRY}edgepress-worker:${EDGEPRESS_VERSION}-cuda"]
}

target "evaluator" {
  inherits   = ["common"]
  dockerfile = "evaluator/Dockerfile"
  tags       = ["${EDGEPRESS_REGISTRY}edgepress-evaluator:${EDGEPRESS_VERSION}"]
}

target "evaluator-amd64" {
  inherits  = ["evaluator"]
  platforms = ["linux/amd64"]
}

target "evaluator-arm64" {
  inherits  = ["evaluator"]
  platforms = ["linux/arm64"]
  args      = { PYTHON_IMAGE = EDGEPRESS_PYTHON_IMAGE_ARM64 != "" ? EDGEPRESS_PYTHON_IMAGE_ARM64 : EDGEPRESS_PYTHON_IMAGE }
  tags      = ["${EDGEPRESS_REGISTRY}edgepress-evaluator:${EDGEPRESS_VERSION}-arm64"]
}

target "release" {
  name      = "release-${image}"
  matrix    = { image = ["api", "worker", "evaluator"] }
  inherits  = [image]
  platforms = ["linux/amd64", "linux/arm64"]
  attest    = ["type=sbom", "type=provenance,mode=max"]
  # Of the evaluator also under the name that it has here for arm64, which evaluator/compose.yml and the emulated board use.
  tags = concat(
    ["${EDGEPRESS_REGISTRY}edgepress-${image}:${EDGEPRESS_VERSION}"],
    image == "evaluator" ? ["${EDGEPRESS_REGISTRY}edgepress-${image}:${EDGEPRESS_VERSION}-arm64"] : []
  )
}

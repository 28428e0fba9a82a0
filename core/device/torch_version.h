#pragma once

#include <torch/version.h>

/// Whether the LibTorch that is compiled against is this version or newer.
#define DISTILL_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) ||          \
   (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

#pragma once

// The one precompiled header, for core/ alone. Nothing of ours belongs here: a change would rebuild
// everything. Every file compiles without it too.
#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

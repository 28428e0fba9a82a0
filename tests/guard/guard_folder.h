#pragma once

#include <sys/types.h>

#include <filesystem>

namespace distill::testing {

/// Sees to it that nothing is left running that works in `folder`, or was given a path in it, when
/// the process `owner` (0: this one) dies without clearing up, as one does that takes too long. The
/// folder goes then too.
void GuardFolder(const std::filesystem::path& folder, pid_t owner = 0);

}  // namespace distill::testing

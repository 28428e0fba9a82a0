#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace distill::server {

/// Notes beside the database at `path` that it was found damaged: to read it, even read-only, may
/// wipe out the traces. The note is for this very file; one that takes its place is free of it.
/// A note that cannot be written is left out.
void NoteDamage(const std::filesystem::path& path, const std::string& what);

/// Returns what was noted of this very file, if anything.
std::optional<std::string> FindDamageNote(const std::filesystem::path& path);

}  // namespace distill::server

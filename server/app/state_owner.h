#pragma once

#include <filesystem>

#include "core/base/status.h"

namespace distill::server {

/// Returns ok where there is a state folder, which only distilld itself makes. kNotFound: there is
/// none, as where its name was mistyped; the message says what to do.
Status CheckStateFolder(const std::filesystem::path& state_directory);

/// Where root works on the state folder of another user, goes on as that user for good, so that no
/// file comes about that the daemon cannot open. Call before any thread starts.
/// kPermissionDenied: neither root nor the owner. kNotFound: as CheckStateFolder.
Status BecomeOwnerOf(const std::filesystem::path& state_directory);

/// Returns the name of the account that this process runs as, or its number where it has no name.
std::string AccountName();

}  // namespace distill::server

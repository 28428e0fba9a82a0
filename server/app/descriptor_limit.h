#pragma once

namespace distill::server {

/// Raises the number of files that this process may have open to the most that it is allowed. Each
/// connection is one: with the usual 1024 a few hundred clients would leave none for the daemon's
/// own files. Programs that it starts later get the same.
void RaiseDescriptorLimit();

}  // namespace distill::server

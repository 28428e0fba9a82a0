#pragma once

#include "server/app/admin_verb.h"

namespace distill::server {

/// user: adds, lists and removes users and their tokens, while the daemon may run.
AdminVerb UserVerb();

}  // namespace distill::server

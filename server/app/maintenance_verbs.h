#pragma once

#include "server/app/admin_verb.h"

namespace distill::server {

/// `distilld backup FOLDER`: copies both databases while a daemon may run.
AdminVerb BackupVerb();

}  // namespace distill::server

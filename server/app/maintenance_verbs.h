#pragma once

#include "server/app/admin_verb.h"

namespace distill::server {

/// `distilld backup FOLDER`: copies both databases while a daemon may run.
AdminVerb BackupVerb();

/// `distilld doctor [--json]`: looks at everything and says what is wrong. Exit code 1: an error.
AdminVerb DoctorVerb();

/// `distilld rebuild [--all]`: makes damaged databases again from the run folders.
AdminVerb RebuildVerb();

}  // namespace distill::server

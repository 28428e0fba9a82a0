#include "server/app/admin_verb.h"
#include "server/app/audit_verb.h"
#include "server/app/maintenance_verbs.h"
#include "server/app/user_verbs.h"

namespace distill::server {

const std::vector<AdminVerb>& AdminVerbs() {
  static const std::vector<AdminVerb> verbs = {AuditVerb(), BackupVerb(), DoctorVerb(),
                                               RebuildVerb(), UserVerb()};
  return verbs;
}

}  // namespace distill::server

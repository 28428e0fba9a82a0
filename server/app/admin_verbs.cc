#include "server/app/admin_verb.h"
#include "server/app/maintenance_verbs.h"

namespace distill::server {

const std::vector<AdminVerb>& AdminVerbs() {
  static const std::vector<AdminVerb> verbs = {BackupVerb()};
  return verbs;
}

}  // namespace distill::server

#include "server/app/descriptor_limit.h"

#include <sys/resource.h>

#include <cerrno>

#include "core/base/log.h"
#include "core/base/status.h"

namespace distill::server {

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  LogWarning("the limit of open files stays as it is",
             {{"error", ErrnoStatus("raise it", errno).ToString()}});
}

}  // namespace distill::server

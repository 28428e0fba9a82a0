#pragma once

#include <filesystem>
#include <memory>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/access/access_store.h"

namespace distill::server {

class SqliteDatabase;

/// Returns the users of a control.db that is open.
std::unique_ptr<AccessStore> MakeSqliteAccessStore(std::shared_ptr<SqliteDatabase> control);

/// Opens the users of a state folder beside a daemon that may use it; where there is no daemon,
/// folder and database are made, and migrations applied, as the daemon would. kFailedPrecondition:
/// the daemon that runs is of another version. Otherwise as OpenSqliteStores.
Result<std::unique_ptr<AccessStore>> OpenSqliteAccessStore(
    const std::filesystem::path& state_directory, const Clock& clock);

}  // namespace distill::server

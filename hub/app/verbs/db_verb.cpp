// SPDX-License-Identifier: Apache-2.0
#include "hub/app/verbs/db_verb.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include "hub/app/base/data_folder.h"
#include "hub/app/base/store_argument.h"
#include "platform/openssl/digest.h"
#include "registry/operations/registry.h"
#include "registry/store/location.h"
#include "registry/store/schema.h"
#include "registry/store/settings.h"
#include "registry/store/transfer.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::store::Database;

struct Arguments {
  std::string store;
  std::string from;
  std::string to;
  CLI::App* status = nullptr;
  CLI::App* migrate = nullptr;
  CLI::App* copy = nullptr;
};

void declare(CLI::App& app, Arguments& arguments) {
  arguments.status = app.add_subcommand("status", "Which database it is, its schema version, and rows by table");
  arguments.migrate = app.add_subcommand(
      "migrate", "Bring the schema to this program's version: stop every hub on it, and make a backup, first");
  for (CLI::App* const verb : {arguments.status, arguments.migrate}) {
    verb->add_option("--store", arguments.store, "postgresql://USER@HOST/DATABASE; else the data folder's registry.db")
        ->envname(kStoreVariable)
        ->type_name("URL");
  }
  arguments.copy = app.add_subcommand(
      "copy", "Copy a registry from a data folder to PostgreSQL or back, everything in it, and compare row by row");
  arguments.copy->add_option("FROM", arguments.from, "a data folder or a URL")->required();
  arguments.copy->add_option("TO", arguments.to, "the other one, empty")->required();
  app.require_subcommand(1);
}

// A database, and the data folder that it lies in, which nobody else holds meanwhile.
struct Place {
  std::optional<DataFolder> folder;
  std::unique_ptr<Database> database;
};

std::filesystem::path file_in(const std::string& folder) { return std::filesystem::path(folder) / "registry.db"; }

Outcome<Place> open_place(const std::string& location, bool there_already) {
  LATCHKEY_TRY_VOID(check_store_argument(location));
  Place place;
  std::string path = location;
  if (!registry::store::is_postgres_url(location)) {
    std::error_code ignored;
    if (there_already && !std::filesystem::exists(file_in(location), ignored)) {
      return refuse(Reason::kNotFound,
                    location + " is neither a data folder with a registry.db nor a postgresql:// URL");
    }
    LATCHKEY_TRY(folder, DataFolder::open(location, false));
    place.folder.emplace(std::move(folder));
    path = place.folder->database().string();
  }
  LATCHKEY_TRY(database, Database::open(path, Database::Access::kReadWrite));
  place.database = std::move(database);
  return place;
}

// To look at, beside a hub that runs.
Outcome<std::unique_ptr<Database>> open_store(const std::string& url, const std::string& data,
                                              Database::Access access) {
  LATCHKEY_TRY_VOID(check_store_argument(url));
  return Database::open(url.empty() ? file_in(data).string() : url, access);
}

Outcome<Nothing> show_rows(Database& database) {
  for (const auto& table : registry::store::schema_tables()) {
    LATCHKEY_TRY(rows, database.query("SELECT COUNT(*) FROM " + table).first([](const registry::store::Query& row) {
      return row.integer(0);
    }));
    std::cout << std::left << std::setw(24) << table << std::right << std::setw(12) << rows.value_or(0) << "\n";
  }
  return Nothing{};
}

Outcome<Nothing> show_status(const std::string& url, const std::string& data) {
  LATCHKEY_TRY(database, open_store(url, data, Database::Access::kReadOnly));
  LATCHKEY_TRY(version, registry::store::schema_version_of(*database));
  LATCHKEY_TRY(engine, database->version());
  const char* const standing = version == 0 ? "empty"
                               : version < registry::store::kSchemaVersion
                                   ? "older than this program's: latchkey db migrate"
                               : version == registry::store::kSchemaVersion ? "this program's"
                                                                            : "newer than this program's";
  std::cout << "store   " << registry::store::shown(database->path()) << "\nengine  " << engine << "\nschema  "
            << version << ", " << standing << "\n";
  if (version != registry::store::kSchemaVersion) return Nothing{};
  LATCHKEY_TRY_VOID(database->begin_read());
  auto shown = show_rows(*database);
  database->end_read();
  return shown;
}

Outcome<Nothing> bring_to_date(const std::string& url, const std::string& data) {
  LATCHKEY_TRY(place, open_place(url.empty() ? data : url, true));
  LATCHKEY_TRY(before, registry::store::schema_version_of(*place.database));
  LATCHKEY_TRY_VOID(registry::store::migrate(*place.database));
  if (before == registry::store::kSchemaVersion) {
    std::cout << "The schema is of version " << before << " already." << std::endl;
  } else {
    std::cout << "The schema went from version " << before << " to " << registry::store::kSchemaVersion << "."
              << std::endl;
  }
  return Nothing{};
}

// Both folders know from now on where their registry is.
Outcome<Nothing> note(Place& from, Place& to, const std::string& url) {
  LATCHKEY_TRY(id, registry::store::find_setting(*to.database, registry::kSubscriptionSetting));
  if (from.folder) LATCHKEY_TRY_VOID(from.folder->note_store(url, id.value_or("")));
  if (to.folder) LATCHKEY_TRY_VOID(to.folder->note_store("", id.value_or("")));
  return Nothing{};
}

Outcome<Nothing> copy(const std::string& from_location, const std::string& to_location) {
  const bool out = registry::store::is_postgres_url(to_location);
  if (out == registry::store::is_postgres_url(from_location)) {
    return refuse(Reason::kInvalidArgument, "one of the two is a data folder and the other one a postgresql:// URL");
  }
  LATCHKEY_TRY(from, open_place(from_location, true));
  LATCHKEY_TRY(to, open_place(to_location, false));
  LATCHKEY_TRY(copied, registry::store::copy_everything(*from.database, *to.database, openssl::host_digest()));
  std::int64_t rows = 0;
  for (const auto& table : copied) rows += table.rows;
  LATCHKEY_TRY_VOID(note(from, to, out ? to_location : ""));
  std::cout << "Copied and compared " << rows << " rows of " << copied.size() << " tables.\n";
  if (out) {
    std::cout
        << "Start the hub with --store from now on. registry.db stays in the folder as it is; it is not used, and "
           "has keys of enrollments in it: delete it when you are content."
        << std::endl;
  } else {
    std::cout << "Start the hub without --store from now on, and nothing more on that database." << std::endl;
  }
  return Nothing{};
}

int run(const Arguments& arguments, const std::string& data) {
  Outcome<Nothing> done = Nothing{};
  if (arguments.status->parsed()) done = show_status(arguments.store, data);
  if (arguments.migrate->parsed()) done = bring_to_date(arguments.store, data);
  if (arguments.copy->parsed()) done = copy(arguments.from, arguments.to);
  if (done) return 0;
  std::cerr << "latchkey: " << done.error().detail << std::endl;
  return registry::faces(done.error().reason).exit_status;
}

}  // namespace

cli::LocalVerb db_verb() {
  const auto arguments = std::make_shared<Arguments>();
  cli::LocalVerb verb;
  verb.name = "db";
  verb.help = "The registry's database: db status, db migrate, db copy FROM TO";
  verb.add_options = [arguments](CLI::App& app) { declare(app, *arguments); };
  verb.run = [arguments](const std::string& data) { return run(*arguments, data); };
  return verb;
}

}  // namespace latchkey::hub::app

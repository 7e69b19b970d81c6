// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/data_folder.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "platform/base/bytes.h"
#include "platform/files/folder.h"
#include "registry/store/location.h"

namespace latchkey::hub::app {
namespace {

using files::make_folder;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr const char* kPostgres = "postgresql";
constexpr std::size_t kDescriptionMax = 64 * 1024;
constexpr const char* kBrokerUser = "mosquitto";  // Debian's package makes it
constexpr std::size_t kSocketPathMax = 107;       // sockaddr_un.sun_path less the terminating zero
constexpr std::string_view kLongestSocket = "brokers/hub-01234567/gate.sock";

std::string random_hex(std::size_t bytes) {
  std::array<std::uint8_t, 32> random{};
  std::size_t got = 0;
  while (got < bytes) {
    const ssize_t more = ::getrandom(random.data() + got, bytes - got, 0);
    if (more > 0) got += static_cast<std::size_t>(more);
  }
  std::string text(bytes * 2, '\0');
  (void)hex_encode({random.data(), bytes}, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

// Shaped as the real service's: 0ne and eight hex digits.
std::string make_id_scope() {
  std::string digits = random_hex(4);
  for (char& c : digits) {
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  }
  return "0ne" + digits;
}

Outcome<Nothing> storage(const Result<void>& result, const std::filesystem::path& path) {
  if (result) return Nothing{};
  return refuse(Reason::kStorage, path.string() + ": " + std::string(to_string(result.error())));
}

}  // namespace

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)),
      nonce_(std::move(other.nonce_)),
      id_scope_(std::move(other.id_scope_)),
      rehearsal_(other.rehearsal_),
      broker_user_(std::move(other.broker_user_)),
      broker_uid_(other.broker_uid_),
      lock_(std::exchange(other.lock_, -1)),
      on_postgres_(other.on_postgres_),
      registry_(std::move(other.registry_)) {}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Outcome<DataFolder> DataFolder::open(const std::filesystem::path& path, bool rehearsal) {
  DataFolder folder;
  folder.path_ = std::filesystem::absolute(path).lexically_normal();
  if (folder.path_.filename().empty()) folder.path_ = folder.path_.parent_path();
  if (::geteuid() == 0) {
    const passwd* const user = ::getpwnam(kBrokerUser);
    if (user == nullptr) {
      return refuse(Reason::kInvalidArgument,
                    "started as root, but there is no user 'mosquitto' for the brokers: "
                    "install the mosquitto package or start as another user");
    }
    folder.broker_user_ = kBrokerUser;
    folder.broker_uid_ = user->pw_uid;
  }
  if (folder.path_.string().size() + 1 + kLongestSocket.size() > kSocketPathMax) {
    return refuse(Reason::kInvalidArgument,
                  "the data folder's path is too long for a Unix socket in it (107 bytes): " + folder.path_.string());
  }
  if (auto ours = folder.check_ours(); !ours) return fail(ours.error());
  // the brokers' user has to walk through it, and sees nothing on the way
  const mode_t mode = folder.broker_user_.empty() ? 0700 : 0711;
  if (auto made = storage(make_folder(folder.path_, mode), folder.path_); !made) return fail(made.error());
  if (auto held = folder.hold(); !held) return fail(held.error());
  if (auto reach = folder.check_reach(); !reach) return fail(reach.error());
  if (auto loaded = folder.load_or_make(rehearsal); !loaded) return fail(loaded.error());
  return folder;
}

Outcome<Nothing> DataFolder::write_description() const {
  const auto file = path_ / "folder.json";
  nlohmann::json json{{"version", 1}, {"nonce", nonce_}, {"idScope", id_scope_}, {"rehearsal", rehearsal_}};
  if (on_postgres_) json["store"] = kPostgres;
  if (!registry_.empty()) json["registry"] = registry_;
  return storage(files::replace_file(file, json.dump(2) + "\n"), file);
}

Outcome<std::string> DataFolder::store(const std::string& url) const {
  if (url.empty() && !on_postgres_) return database().string();
  if (url.empty()) {
    return refuse(Reason::kInvalidArgument, "the registry of " + path_.string() +
                                                " is on PostgreSQL: name it with --store URL, or bring it here with "
                                                "latchkey db copy URL " +
                                                path_.string());
  }
  if (!registry::store::is_postgres_url(url)) {
    return refuse(Reason::kInvalidArgument, "--store is postgresql://USER@HOST:PORT/DATABASE");
  }
  std::error_code ignored;
  if (!on_postgres_ && std::filesystem::exists(database(), ignored)) {
    return refuse(Reason::kInvalidArgument, "the registry of " + path_.string() +
                                                " is in registry.db: bring it to PostgreSQL with latchkey db copy " +
                                                path_.string() + " URL, or use a new folder");
  }
  return url;
}

Outcome<Nothing> DataFolder::note_store(const std::string& url, const std::string& id) {
  const bool on_postgres = !url.empty();
  if (!on_postgres && !on_postgres_) return Nothing{};
  if (on_postgres && on_postgres_ && !registry_.empty() && registry_ != id) {
    return refuse(Reason::kInvalidArgument, "that database has another registry than the one that " + path_.string() +
                                                " has the CA keys of: name the right one, or use a new folder");
  }
  if (on_postgres == on_postgres_ && registry_ == id) return Nothing{};
  on_postgres_ = on_postgres;
  registry_ = on_postgres ? id : "";
  return write_description();
}

// Its mode is about to be changed: nobody's home or /tmp may suffer from a slip of the pen.
Outcome<Nothing> DataFolder::check_ours() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) {
    if (errno == ENOENT) return Nothing{};
    return refuse(Reason::kInvalidArgument, path_.string() + " cannot be reached: " + std::strerror(errno));
  }
  if (!S_ISDIR(info.st_mode)) return refuse(Reason::kInvalidArgument, path_.string() + " is not a folder");
  if (info.st_uid != ::geteuid()) return refuse(Reason::kInvalidArgument, path_.string() + " belongs to another user");
  std::error_code error;
  std::filesystem::directory_iterator entries(path_, error);
  if (error) return refuse(Reason::kInvalidArgument, path_.string() + " cannot be read: " + error.message());
  if (std::filesystem::exists(path_ / "folder.json", error)) return Nothing{};
  for (const auto& entry : entries) {  // a first start that was interrupted leaves no more than these
    const auto name = entry.path().filename().string();
    if (name != "lock" && name != "folder.json" + std::string(files::kUnfinished)) {
      return refuse(Reason::kInvalidArgument,
                    path_.string() + " holds other files and is not a data folder: use a new one");
    }
  }
  return Nothing{};
}

Outcome<Nothing> DataFolder::hold() {
  const auto file = path_ / "lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return refuse(Reason::kStorage, file.string() + " cannot be opened");
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return refuse(Reason::kOperationInProgress, "another hub runs on " + path_.string());
  }
  return Nothing{};
}

Outcome<Nothing> DataFolder::check_reach() const {
  if (broker_user_.empty()) return Nothing{};
  for (auto folder = path_; folder.has_relative_path(); folder = folder.parent_path()) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) == 0 && (info.st_mode & S_IXOTH) == 0 && info.st_uid != broker_uid_) {
      return refuse(Reason::kInvalidArgument, "the brokers run as user '" + broker_user_ + "', which cannot enter " +
                                                  folder.string() + ": choose another --data folder");
    }
  }
  return Nothing{};
}

Outcome<Nothing> DataFolder::load_or_make(bool rehearsal) {
  const auto file = path_ / "folder.json";
  const auto text = files::read_text(file, kDescriptionMax);
  if (!text && text.error() != Status::kNotFound) return refuse(Reason::kStorage, file.string() + " cannot be read");
  if (text) {
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    if (!json.is_object() || !json.value("nonce", nlohmann::json()).is_string()) {
      return refuse(Reason::kStorage, file.string() + " is not a Latchkey folder description");
    }
    nonce_ = json["nonce"];
    id_scope_ = json.value("idScope", "");
    rehearsal_ = json.value("rehearsal", false);
    on_postgres_ = json.value("store", "") == kPostgres;
    registry_ = json.value("registry", "");
    if (rehearsal && !rehearsal_) {
      return refuse(Reason::kInvalidArgument,
                    path_.string() + " was made without --rehearsal, and that cannot be changed: use a new folder");
    }
  } else {
    nonce_ = random_hex(16);
    id_scope_ = make_id_scope();
    rehearsal_ = rehearsal;
    LATCHKEY_TRY_VOID(write_description());
  }
  for (const auto& [folder, mode] : {std::pair{keys(), 0700},
                                     {tls(), 0755},
                                     {crl(), 0755},
                                     {path_ / "run", 0700},
                                     {brokers(), broker_user_.empty() ? 0700 : 0711}}) {
    if (auto made = storage(make_folder(folder, static_cast<mode_t>(mode)), folder); !made) return fail(made.error());
  }
  return Nothing{};
}

}  // namespace latchkey::hub::app

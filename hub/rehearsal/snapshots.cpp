// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/snapshots.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "hub/text/time.h"
#include "platform/files/folder.h"

namespace latchkey::hub::rehearsal {

using nlohmann::json;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::size_t kNameLimit = 64;
constexpr std::size_t kAboutMax = 4096;
constexpr std::size_t kKeyMax = 16 * 1024;
constexpr std::string_view kUnfinished = "~";  // no name ends so
constexpr const char* kSigningKeys = "signing-keys";

Outcome<Nothing> check_name(const std::string& name) {
  if (valid_snapshot_name(name) || name == kBeforeSeed) return Nothing{};
  return refuse(Reason::kInvalidName,
                "a snapshot's name has 1 to 64 letters, digits, '.', '_' or '-' and begins with a letter or digit");
}

// A state without its keys would be none to go back to.
Outcome<Nothing> check_keys(const std::filesystem::path& keys) {
  if (!keys.empty()) return Nothing{};
  return refuse(Reason::kNotSupported, "snapshots copy private keys, which only --keys files lets them");
}

Outcome<Nothing> stored(const Result<void>& result, const std::filesystem::path& path) {
  if (result) return Nothing{};
  return refuse(Reason::kStorage, path.string() + ": " + std::string(to_string(result.error())));
}

Outcome<Nothing> removed(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return refuse(Reason::kStorage, path.string() + ": " + error.message());
  return Nothing{};
}

// Its new name is durable, too.
Outcome<Nothing> renamed(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error) return refuse(Reason::kStorage, to.string() + ": " + error.message());
  const auto folder = files::open_folder(to.parent_path());
  if (!folder) return stored(fail(folder.error()), to);
  return stored(files::sync_folder(folder->get()), to);
}

}  // namespace

bool valid_snapshot_name(std::string_view name) {
  const auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return !name.empty() && name.size() <= kNameLimit && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || c == '.' || c == '_' || c == '-'; });
}

Outcome<json> Snapshots::list() const {
  json value = json::array();
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parts_.folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    const auto text = files::read_text(entry->path() / "about.json", kAboutMax);
    if (!valid_snapshot_name(name) || !text) continue;
    const auto about = json::parse(*text, nullptr, false);
    if (!about.is_object()) continue;
    const auto at = about.value("atMs", UnixMs{0});
    value.push_back({{"name", name}, {"at", text::iso8601(at)}, {"atMs", at}});
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return refuse(Reason::kStorage, parts_.folder.string() + ": " + error.message());
  }
  std::sort(value.begin(), value.end(), [](const json& a, const json& b) { return a["name"] < b["name"]; });
  return value;
}

Outcome<Nothing> Snapshots::copy_keys(const std::filesystem::path& from, const std::filesystem::path& to,
                                      const std::vector<std::string>& key_refs, Missing missing) const {
  for (const auto& key : key_refs) {
    if (key.find('/') != std::string::npos) return refuse(Reason::kStorage, "a key's name is damaged");
    auto content = files::read_file(from / key, kKeyMax);
    if (!content && content.error() == Status::kNotFound && missing == Missing::kIsLeftOut) continue;
    if (!content) return stored(fail(content.error()), from / key);
    const auto copied = stored(files::replace_file(to / key, *content), to / key);
    wipe({content->data(), content->size()});
    if (!copied) return copied;
  }
  return Nothing{};
}

// The service erases the keys of certificates that ended while the copy is made; nobody will sign with them again.
Outcome<Nothing> Snapshots::copy_signing_keys(const std::string& copy, const std::filesystem::path& from,
                                              const std::filesystem::path& to) const {
  if (parts_.signing.keys.empty()) return Nothing{};
  LATCHKEY_TRY(keys, parts_.signing.key_refs_in(copy));
  if (keys.empty()) return Nothing{};
  LATCHKEY_TRY_VOID(stored(files::make_folder(to, 0700), to));
  return copy_keys(from, to, keys, Missing::kIsLeftOut);
}

Outcome<json> Snapshots::take(const std::string& name, UnixMs now) {
  LATCHKEY_TRY_VOID(check_name(name));
  LATCHKEY_TRY_VOID(check_keys(parts_.keys));
  const auto place = parts_.folder / name;
  const auto unfinished = parts_.folder / (name + std::string(kUnfinished));
  std::error_code ignored;
  if (std::filesystem::exists(place, ignored)) {
    return refuse(Reason::kAlreadyExists, "there is a snapshot '" + name + "'");
  }
  LATCHKEY_TRY_VOID(removed(unfinished));
  for (const auto& folder : {parts_.folder, unfinished, unfinished / "keys"}) {
    LATCHKEY_TRY_VOID(stored(files::make_folder(folder, 0700), folder));
  }
  const auto copy = (unfinished / "registry.db").string();
  LATCHKEY_TRY_VOID(parts_.registry.copy_to(copy));
  LATCHKEY_TRY(keys, parts_.registry.key_refs_in(copy));
  LATCHKEY_TRY_VOID(copy_keys(parts_.keys, unfinished / "keys", keys, Missing::kFails));
  LATCHKEY_TRY_VOID(copy_signing_keys(copy, parts_.signing.keys, unfinished / kSigningKeys));
  const auto about = unfinished / "about.json";
  LATCHKEY_TRY_VOID(stored(files::replace_file(about, json{{"atMs", now}}.dump() + "\n"), about));
  LATCHKEY_TRY_VOID(renamed(unfinished, place));
  return json{{"name", name}, {"at", text::iso8601(now)}, {"atMs", now}};
}

Outcome<Nothing> Snapshots::remove(const std::string& name) {
  LATCHKEY_TRY_VOID(check_name(name));
  std::error_code ignored;
  if (!std::filesystem::exists(parts_.folder / name, ignored)) {
    return refuse(Reason::kNotFound, "there is no snapshot '" + name + "'");
  }
  // Half a snapshot must not be taken for one.
  const auto unfinished = parts_.folder / (name + std::string(kUnfinished));
  LATCHKEY_TRY_VOID(removed(unfinished));
  LATCHKEY_TRY_VOID(renamed(parts_.folder / name, unfinished));
  return removed(unfinished);
}

Outcome<std::vector<std::string>> Snapshots::named_keys() const {
  LATCHKEY_TRY(cas, parts_.registry.list_cas());
  std::vector<std::string> keys;
  for (const auto& ca : cas) {
    if (!ca.key_ref.empty()) keys.push_back(ca.key_ref);
  }
  return keys;
}

Outcome<Nothing> Snapshots::destroy_unnamed(const std::vector<std::string>& before) const {
  LATCHKEY_TRY(now, named_keys());
  for (const auto& key : before) {
    if (std::find(now.begin(), now.end(), key) == now.end()) parts_.destroy_key(key);
  }
  return Nothing{};
}

// Keys first: a row must not name a key that is not there. What a crash leaves of them is unnamed, and goes at the next
// start.
Outcome<registry::Sequence> Snapshots::restore(const registry::Call& call, const std::string& name) {
  LATCHKEY_TRY_VOID(check_name(name));
  LATCHKEY_TRY_VOID(check_keys(parts_.keys));
  const auto place = parts_.folder / name;
  std::error_code ignored;
  if (!std::filesystem::exists(place / "registry.db", ignored)) {
    return refuse(Reason::kNotFound, "there is no snapshot '" + name + "'");
  }
  const auto copy = (place / "registry.db").string();
  LATCHKEY_TRY(before, named_keys());
  LATCHKEY_TRY(then, parts_.registry.key_refs_in(copy));
  LATCHKEY_TRY_VOID(copy_keys(place / "keys", parts_.keys, then, Missing::kFails));
  const auto signing_is_paused = paused();
  LATCHKEY_TRY_VOID(copy_signing_keys(copy, place / kSigningKeys, parts_.signing.keys));
  LATCHKEY_TRY(restored, parts_.registry.restore(call, name, copy));
  LATCHKEY_TRY_VOID(destroy_unnamed(before));
  return restored.sequence;
}

Outcome<registry::Sequence> Snapshots::reset(const registry::Call& call, const std::vector<std::string>& hubs,
                                             const std::vector<std::string>& forgotten) {
  LATCHKEY_TRY(before, named_keys());
  const auto signing_is_paused = paused();
  LATCHKEY_TRY(emptied, parts_.registry.reset(call, hubs, forgotten));
  LATCHKEY_TRY_VOID(destroy_unnamed(before));
  return emptied.sequence;
}

}  // namespace latchkey::hub::rehearsal

// SPDX-License-Identifier: Apache-2.0
#include "tests/support/esp_idf/nvs.h"

#include <nvs.h>
#include <nvs_flash.h>

#include <cstring>
#include <map>
#include <set>

namespace latchkey::test::esp {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kLongestName = 15;
constexpr std::size_t kLongestText = 4000;
constexpr const char* kDefaultPartition = "nvs";

enum class Kind : std::uint8_t { kBlob, kText, kNumber };
struct Value {
  Kind kind;
  Bytes bytes;
};
struct Handle {
  std::string space;  // "partition/namespace"
  bool writable;
};

struct World {
  std::map<std::string, std::map<std::string, Value>> spaces;
  std::map<nvs_handle_t, Handle> handles;
  std::set<std::string> ready;  // partitions
  nvs_handle_t next_handle = 1;
  std::size_t room = 65'536;
  unsigned changes = 0;
  unsigned cut_at = 0;
  unsigned failing = 0;
  NvsCut how = NvsCut::kBefore;
  bool power = true;

  std::size_t used() const {
    std::size_t sum = 0;
    for (const auto& [space, values] : spaces) {
      for (const auto& [key, value] : values) sum += value.bytes.size();
    }
    return sum;
  }
};

World& world() {
  static World held;
  return held;
}

esp_err_t open(const char* partition, const char* space, nvs_open_mode_t mode, nvs_handle_t* handle) {
  World& at = world();
  if (!at.power) return ESP_FAIL;
  if (at.ready.count(partition) == 0) return ESP_ERR_NVS_NOT_INITIALIZED;
  if (std::strlen(space) > kLongestName) return ESP_ERR_NVS_INVALID_NAME;
  const std::string name = std::string(partition) + "/" + space;
  if (mode == NVS_READONLY && at.spaces.count(name) == 0) return ESP_ERR_NVS_NOT_FOUND;
  at.spaces[name];
  *handle = at.next_handle++;
  at.handles[*handle] = {name, mode == NVS_READWRITE};
  return ESP_OK;
}

// The values behind a handle, or null and why.
std::map<std::string, Value>* values_of(nvs_handle_t handle, const char* key, bool change, esp_err_t& why) {
  World& at = world();
  const auto found = at.handles.find(handle);
  why = ESP_OK;
  if (!at.power) {
    why = ESP_FAIL;
  } else if (found == at.handles.end()) {
    why = ESP_ERR_NVS_INVALID_HANDLE;
  } else if (std::strlen(key) > kLongestName) {
    why = ESP_ERR_NVS_KEY_TOO_LONG;
  } else if (change && !found->second.writable) {
    why = ESP_FAIL;
  }
  return why == ESP_OK ? &at.spaces[found->second.space] : nullptr;
}

// Whether the power fails in this change.
bool cut_now() {
  World& at = world();
  if (++at.changes != at.cut_at) return false;
  at.power = false;
  return true;
}

esp_err_t set(nvs_handle_t handle, const char* key, Value value) {
  World& at = world();
  esp_err_t why = ESP_OK;
  auto* const values = values_of(handle, key, true, why);
  if (values == nullptr) return why;
  if (at.failing > 0) {
    --at.failing;
    return ESP_FAIL;
  }
  // Old and new are there together for a moment.
  if (at.used() + value.bytes.size() > at.room) return ESP_ERR_NVS_NOT_ENOUGH_SPACE;
  if (!cut_now()) {
    (*values)[key] = std::move(value);
    return ESP_OK;
  }
  if (at.how == NvsCut::kMiddle) values->erase(key);
  if (at.how == NvsCut::kAfter) (*values)[key] = std::move(value);
  return ESP_FAIL;
}

const Value* get(nvs_handle_t handle, const char* key, Kind kind, esp_err_t& why) {
  auto* const values = values_of(handle, key, false, why);
  if (values == nullptr) return nullptr;
  const auto found = values->find(key);
  if (found == values->end() || found->second.kind != kind) {
    why = ESP_ERR_NVS_NOT_FOUND;
    return nullptr;
  }
  return &found->second;
}

esp_err_t copy_out(const Value& value, void* out, std::size_t* length) {
  const std::size_t size = value.bytes.size();
  if (out != nullptr && *length < size) return ESP_ERR_NVS_INVALID_LENGTH;
  if (out != nullptr && size > 0) std::memcpy(out, value.bytes.data(), size);
  *length = size;
  return ESP_OK;
}

}  // namespace

Nvs& Nvs::the() {
  static Nvs held;
  return held;
}

void Nvs::reset() {
  world() = World();
  world().ready.insert(kDefaultPartition);
}

void Nvs::cut_power_at(unsigned change, NvsCut how) {
  world().cut_at = world().changes + change;
  world().how = how;
}

void Nvs::restart() {
  world().handles.clear();
  world().power = true;
  world().cut_at = 0;
}

bool Nvs::has_power() const { return world().power; }
unsigned Nvs::changes() const { return world().changes; }
void Nvs::set_room(std::size_t bytes) { world().room = bytes; }
void Nvs::fail_changes(unsigned count) { world().failing = count; }
std::size_t Nvs::open_handles() const { return world().handles.size(); }

void Nvs::put_text(const std::string& partition, const std::string& space, const std::string& key,
                   const std::string& text) {
  Bytes bytes(text.begin(), text.end());
  bytes.push_back(0);
  world().spaces[partition + "/" + space][key] = {Kind::kText, std::move(bytes)};
}

void Nvs::put_blob(const std::string& partition, const std::string& space, const std::string& key, Bytes bytes) {
  world().spaces[partition + "/" + space][key] = {Kind::kBlob, std::move(bytes)};
}

std::vector<std::uint8_t>* Nvs::blob(const std::string& space, const std::string& key) {
  auto& values = world().spaces[std::string(kDefaultPartition) + "/" + space];
  const auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second.bytes;
}

}  // namespace latchkey::test::esp

using namespace latchkey::test::esp;  // NOLINT(google-build-using-namespace): the vendor's names are outside

esp_err_t nvs_flash_init() { return nvs_flash_init_partition(kDefaultPartition); }

esp_err_t nvs_flash_init_partition(const char* partition) {
  world().ready.insert(partition);
  return ESP_OK;
}

esp_err_t nvs_open(const char* space, nvs_open_mode_t mode, nvs_handle_t* handle) {
  return open(kDefaultPartition, space, mode, handle);
}

esp_err_t nvs_open_from_partition(const char* partition, const char* space, nvs_open_mode_t mode,
                                  nvs_handle_t* handle) {
  return open(partition, space, mode, handle);
}

void nvs_close(nvs_handle_t handle) { world().handles.erase(handle); }

esp_err_t nvs_get_blob(nvs_handle_t handle, const char* key, void* out, std::size_t* length) {
  esp_err_t why = ESP_OK;
  const Value* const value = get(handle, key, Kind::kBlob, why);
  return value == nullptr ? why : copy_out(*value, out, length);
}

esp_err_t nvs_set_blob(nvs_handle_t handle, const char* key, const void* bytes, std::size_t length) {
  const auto* const from = static_cast<const std::uint8_t*>(bytes);
  return set(handle, key, {Kind::kBlob, Bytes(from, from + length)});
}

esp_err_t nvs_get_str(nvs_handle_t handle, const char* key, char* out, std::size_t* length) {
  esp_err_t why = ESP_OK;
  const Value* const value = get(handle, key, Kind::kText, why);
  if (value != nullptr && value->bytes.size() > kLongestText) return ESP_FAIL;
  return value == nullptr ? why : copy_out(*value, out, length);
}

esp_err_t nvs_get_u8(nvs_handle_t handle, const char* key, std::uint8_t* out) {
  esp_err_t why = ESP_OK;
  const Value* const value = get(handle, key, Kind::kNumber, why);
  if (value == nullptr) return why;
  *out = value->bytes[0];
  return ESP_OK;
}

esp_err_t nvs_set_u8(nvs_handle_t handle, const char* key, std::uint8_t number) {
  return set(handle, key, {Kind::kNumber, Bytes{number}});
}

esp_err_t nvs_erase_key(nvs_handle_t handle, const char* key) {
  World& at = world();
  esp_err_t why = ESP_OK;
  auto* const values = values_of(handle, key, true, why);
  if (values == nullptr) return why;
  if (values->count(key) == 0) return ESP_ERR_NVS_NOT_FOUND;
  if (at.failing > 0) {
    --at.failing;
    return ESP_FAIL;
  }
  const bool cut = cut_now();
  if (!cut || at.how != NvsCut::kBefore) values->erase(key);
  return cut ? ESP_FAIL : ESP_OK;
}

esp_err_t nvs_commit(nvs_handle_t handle) {
  if (!world().power) return ESP_FAIL;
  return world().handles.count(handle) == 0 ? ESP_ERR_NVS_INVALID_HANDLE : ESP_OK;
}

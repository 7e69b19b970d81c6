// SPDX-License-Identifier: Apache-2.0
#include "platform/sim/storage.h"

#include <algorithm>
#include <cstring>

namespace latchkey::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint8_t kErased = 0xFF;

// A write that stopped half-way. A torn erase looks like a torn write of erased flash.
Bytes torn(const std::optional<Bytes>& old, const std::optional<Bytes>& next) {
  const std::size_t size = next ? next->size() : old ? old->size() : 0;
  Bytes mixed(size, kErased);
  if (old) std::copy_n(old->begin(), std::min(size, old->size()), mixed.begin());
  const std::size_t half = size / 2;
  if (next) {
    std::copy_n(next->begin(), half, mixed.begin());
  } else {
    std::fill_n(mixed.begin(), half, kErased);
  }
  return mixed;
}

}  // namespace

Result<void> SimStorage::admit() {
  if (!power_) return fail(Status::kStorageFailed);
  if (good_calls_ > 0) {
    --good_calls_;
  } else if (bad_calls_ > 0) {
    --bad_calls_;
    return fail(bad_status_);
  }
  return {};
}

Result<std::size_t> SimStorage::read(ports::Item item, MutableBytes out) {
  LATCHKEY_TRY_VOID(admit());
  const auto& held = medium(item);
  if (!held) return fail(Status::kNotFound);
  if (held->size() > out.size()) return fail(Status::kTooLarge);
  if (!held->empty()) std::memcpy(out.data(), held->data(), held->size());
  return held->size();
}

Result<void> SimStorage::write(ports::Item item, ByteView bytes) {
  return change(item, Bytes(bytes.begin(), bytes.end()));
}

Result<void> SimStorage::erase(ports::Item item) { return change(item, std::nullopt); }

Result<void> SimStorage::change(ports::Item item, Content next) {
  if (power_) ++changes_;
  LATCHKEY_TRY_VOID(admit());
  Content& held = medium(item);
  if (changes_ != cut_at_) {
    held = std::move(next);
    return {};
  }
  power_ = false;
  if (how_ == Cut::kTorn) held = torn(held, next);
  if (how_ == Cut::kAfter) held = std::move(next);
  return fail(Status::kStorageFailed);
}

void SimStorage::cut_power_at(unsigned change, Cut how) {
  cut_at_ = change;
  how_ = how;
}

void SimStorage::restore_power() {
  power_ = true;
  cut_at_ = 0;
}

void SimStorage::fail_after(unsigned calls, Status status, unsigned times) {
  good_calls_ = calls;
  bad_calls_ = times;
  bad_status_ = status;
}

}  // namespace latchkey::sim

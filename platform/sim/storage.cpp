// SPDX-License-Identifier: Apache-2.0
#include "platform/sim/storage.h"

#include <algorithm>
#include <cstring>

namespace latchkey::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint8_t kErased = 0xFF;

// Which bytes of a torn write are the new ones.
bool landed(Cut how, std::size_t at, std::size_t size) {
  switch (how) {
    case Cut::kTorn: return at < size / 2;
    case Cut::kTornEnd: return at >= size / 2;
    case Cut::kTornPages: return at / kTornPage % 2 == 0;
    default: return false;
  }
}

// A write that stopped on its way. A torn erase looks like a torn write of erased flash.
Bytes torn(Cut how, const std::optional<Bytes>& old, const std::optional<Bytes>& next) {
  const std::size_t size = next ? next->size() : old ? old->size() : 0;
  Bytes mixed(size, kErased);
  for (std::size_t at = 0; at < size && how != Cut::kErased; ++at) {
    if (landed(how, at, size)) {
      if (next) mixed[at] = (*next)[at];
    } else if (old && at < old->size()) {
      mixed[at] = (*old)[at];
    }
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
  if (full_at_ != 0 && changes_ >= full_at_ && next) return fail(Status::kStorageFull);
  if (cut_at_ != 0) {
    if (steps_.size() == 3) steps_.erase(steps_.begin());
    steps_.push_back({item, items_});
  }
  if (changes_ != cut_at_) {
    medium(item) = std::move(next);
    return {};
  }
  power_ = false;
  cut(item, std::move(next));
  return fail(Status::kStorageFailed);
}

void SimStorage::cut(ports::Item item, Content next) {
  Content& held = medium(item);
  touched_ = steps_.size() - 1;
  switch (how_) {
    case Cut::kBefore: return;
    case Cut::kTorn:
    case Cut::kTornEnd:
    case Cut::kTornPages:
    case Cut::kErased: held = torn(how_, held, next); return;
    case Cut::kAfter: held = std::move(next); return;
    case Cut::kLostOne:
    case Cut::kLostTwo: held = std::move(next); return take_back(how_ == Cut::kLostOne ? 1 : 2);
  }
}

// Without any effect when a later change of the same item landed.
void SimStorage::take_back(std::size_t changes_ago) {
  if (steps_.size() <= changes_ago) return;
  const std::size_t lost = steps_.size() - 1 - changes_ago;
  touched_ = lost;
  for (std::size_t later = lost + 1; later < steps_.size(); ++later) {
    if (steps_[later].item == steps_[lost].item) return;
  }
  const std::size_t at = static_cast<std::size_t>(steps_[lost].item);
  items_[at] = steps_[lost].before[at];
}

void SimStorage::cut_power_at(unsigned change, Cut how) {
  cut_at_ = change;
  how_ = how;
  steps_.clear();
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

// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/crl_publisher.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "platform/files/file.h"

namespace latchkey::hub::ca {
namespace {

using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

constexpr UnixMs kNever = std::numeric_limits<UnixMs>::max();

bool signs_lists(const registry::CaCertificate& ca, UnixMs now) {
  return ca.status != registry::CaStatus::kRetired && !ca.key_ref.empty() && ca.not_after > now;
}

// The entries of one shard, in an order of its own.
registry::CrlOrder part_of(const registry::CrlOrder& order, CrlShard shard) {
  registry::CrlOrder part{order.ca, order.number, {}, order.last};
  for (const auto& entry : order.revoked) {
    if (shard_of(entry.serial, shard.count).index == shard.index) part.revoked.push_back(entry);
  }
  return part;
}

}  // namespace

CrlPublisher::CrlPublisher(registry::Registry& registry, Authority& authority, Clock clock, Options options,
                           ErrorSink on_error)
    : registry_(registry),
      authority_(authority),
      clock_(std::move(clock)),
      options_(std::move(options)),
      on_error_(std::move(on_error)) {}

CrlPublisher::~CrlPublisher() { stop(); }

std::filesystem::path CrlPublisher::file_of(const Uuid& ca) const { return options_.folder / list_path(ca, {}); }

Outcome<void> CrlPublisher::start() {
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  if (error) return refuse(Reason::kStorage, "CRL folder " + options_.folder.string() + ": " + error.message());
  report(publish());
  thread_ = std::thread([this] { run(); });
  return {};
}

void CrlPublisher::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void CrlPublisher::anew() {
  {
    const std::scoped_lock lock(mutex_);
    anew_ = true;
  }
  wake();
}

bool CrlPublisher::anew_wanted() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(anew_, false);
}

void CrlPublisher::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CrlPublisher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, options_.check_every, [this] { return woken_ || stopping_; });
    if (woken_) changed_.wait_for(lock, options_.coalesce, [this] { return stopping_; });
    if (stopping_) return;
    woken_ = false;
    lock.unlock();
    report(publish());
    lock.lock();
  }
}

bool CrlPublisher::stopping() {
  const std::scoped_lock lock(mutex_);
  return stopping_;
}

// A failure that lasts is heard once, not at every try.
void CrlPublisher::report(const Outcome<std::size_t>& outcome) {
  if (outcome) {
    reported_ = Reason::kNone;
  } else if (outcome.error().reason != reported_) {
    reported_ = outcome.error().reason;
    if (on_error_) on_error_(outcome.error());
  }
}

Outcome<std::size_t> CrlPublisher::publish() {
  const std::scoped_lock lock(publishing_);
  if (options_.shared == nullptr) return publish_due();
  LATCHKEY_TRY(followed, follow());
  if (!options_.on_duty()) return followed;
  LATCHKEY_TRY(written, publish_due());
  return followed + written;
}

// One list after the other: they may be large.
Outcome<std::size_t> CrlPublisher::follow() {
  std::size_t written = 0;
  while (!stopping()) {
    LATCHKEY_TRY(next, options_.shared->next(followed_));
    if (!next) break;
    const std::filesystem::path path(next->path);
    if (path.is_absolute() || path.lexically_normal() != path || *path.begin() == "..") {
      return refuse(Reason::kStorage, "the registry has a list with a path that is none: " + next->path);
    }
    const auto here = files::read_file(options_.folder / path, next->list.size() + 1);
    if (!here || *here != next->list) {
      LATCHKEY_TRY_VOID(write_file(next->path, next->list));
      published_.clear();
      ++written;
    }
    in_registry_.insert(next->path);
    followed_ = next->version;
  }
  return written;
}

Outcome<std::size_t> CrlPublisher::publish_due() {
  const UnixMs now = clock_();
  LATCHKEY_TRY(orders, registry_.due_crls(now));
  // A clock that was set back makes lists of the future: these are signed anew as well.
  const bool all = anew_wanted();
  if (all || now >= look_again_at_ || now < looked_at_) {
    LATCHKEY_TRY_VOID(add_stale(now, all, orders));
  }
  looked_at_ = now;
  std::size_t written = 0;
  Refusal failure{Reason::kNone, {}};
  for (registry::CrlOrder& order : orders) {
    if (stopping()) break;
    if (auto published = publish_one(std::move(order), now)) {
      written += *published;
    } else {
      failure = published.error();  // the others' lists are not made to wait for this one
      look_again_at_ = 0;
    }
  }
  if (failure.reason != Reason::kNone) return fail(failure);
  return written;
}

Outcome<void> CrlPublisher::add_stale(UnixMs now, bool anew, std::vector<registry::CrlOrder>& orders) {
  LATCHKEY_TRY(cas, registry_.list_cas());
  look_again_at_ = kNever;
  for (const registry::CaCertificate& ca : cas) {
    if (!signs_lists(ca, now)) continue;
    bool fresh = true;
    for (const Part& part : parts_of(ca)) {
      PublishedList& last = last_of(ca.id, part.shard);
      if (anew) last.next_update = 0;
      fresh = fresh && last.fresh_at(now);
      if (last.fresh_at(now)) look_again_at_ = std::min(look_again_at_, last.renew_at());
    }
    const bool ordered = std::ranges::any_of(orders, [&](const auto& order) { return order.ca.id == ca.id; });
    if (fresh || ordered) continue;
    auto order = registry_.crl_order(ca.id, now);
    if (!order && order.error().reason == Reason::kNotFound) continue;  // retired since it was listed
    if (!order) return fail(order.error());
    orders.push_back(*std::move(order));
  }
  return {};
}

// A root's list has a handful of CAs on it, and nobody wants a part of that.
CrlPublisher::Parts CrlPublisher::parts_of(const registry::CaCertificate& ca) const {
  Parts parts(1);
  if (ca.kind == registry::CaKind::kRoot) return parts;
  for (const CrlSplit& split : options_.splits) {
    for (unsigned index = 0; index < split.count; ++index) {
      Part part;
      part.shard = {split.count, index};
      for (const auto& folder : split.folders) part.addresses.push_back(list_address(folder, ca.id, part.shard));
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

CrlPublisher::Parts CrlPublisher::parts_of(const registry::CrlOrder& order) const {
  Parts parts = parts_of(order.ca);
  for (const auto& entry : order.revoked) {
    for (std::size_t first = 0; first < parts.size(); first += parts[first].shard.count) {
      parts[first + shard_of(entry.serial, parts[first].shard.count).index].content.add(entry);
    }
  }
  return parts;
}

bool CrlPublisher::will_do(const Part& part, const registry::CrlOrder& order, UnixMs now) {
  const PublishedList& last = last_of(order.ca.id, part.shard);
  if (part.shard.whole() && last.number != order.number) return false;
  const bool lasts = order.last ? last.number > 0 && last.next_update >= order.ca.not_after : last.fresh_at(now);
  return lasts && last.content == part.content;
}

Outcome<void> CrlPublisher::record(const Uuid& ca, const Parts& parts) {
  std::uint64_t highest = 0;
  for (const Part& part : parts) {
    const PublishedList& last = last_of(ca, part.shard);
    highest = std::max(highest, last.number);
    look_again_at_ = std::min(look_again_at_, last.renew_at());
  }
  LATCHKEY_TRY(recorded, registry_.crl_published(ca, highest, parts.front().content.entries));
  static_cast<void>(recorded);
  return {};
}

Outcome<std::size_t> CrlPublisher::publish_one(registry::CrlOrder order, UnixMs now) {
  Parts parts = parts_of(order);
  // A file has this number already, and another content: an older registry was restored, or entries expired between a
  // crash and now. What is signed needs a number above it.
  const bool number_taken = std::ranges::any_of(parts, [&](const Part& part) {
    return last_of(order.ca.id, part.shard).number >= order.number && !will_do(part, order, now);
  });
  if (number_taken) {
    LATCHKEY_TRY_VOID(record(order.ca.id, parts));
    LATCHKEY_TRY(above, registry_.crl_order(order.ca.id, now));
    order = std::move(above);
    parts = parts_of(order);
  }
  std::size_t written = 0;
  Writing writing{now, Spoilt::kNot};
  for (const Part& part : parts) {
    if (will_do(part, order, now)) continue;
    if (written == 0 && options_.spoil) writing.spoilt = options_.spoil(order.ca);
    LATCHKEY_TRY_VOID(write(part.shard.whole() ? order : part_of(order, part.shard), part, writing));
    ++written;
  }
  LATCHKEY_TRY_VOID(order.last ? end(order) : record(order.ca.id, parts));
  return written;
}

Outcome<void> CrlPublisher::write(const registry::CrlOrder& order, const Part& part, const Writing& writing) {
  const UnixMs now = writing.now;
  PublishedList next{order.number, now, now + options_.validity_ms, part.content};
  if (order.last) next.next_update = std::max(next.next_update, order.ca.not_after);
  // The publisher goes on as if the list were good: whoever spoils one also says when that is over (anew()).
  const UnixMs back = writing.spoilt == Spoilt::kStale ? next.next_update - now + kDayMs : 0;
  LATCHKEY_TRY(der, authority_.sign_crl(order, next.this_update - back, next.next_update - back, part.addresses));
  if (writing.spoilt == Spoilt::kWronglySigned) der.back() ^= 1;  // the last octet of the signature
  const auto path = list_path(order.ca.id, part.shard);
  if (options_.shared != nullptr) LATCHKEY_TRY_VOID(share(path, order.number, der));
  LATCHKEY_TRY_VOID(write_file(path, der));
  last_of(order.ca.id, part.shard) = next;
  return {};
}

// Before the file: a crash between the two is made good by follow().
Outcome<void> CrlPublisher::share(const std::string& path, std::uint64_t number, const registry::Bytes& der) {
  LATCHKEY_TRY(version, options_.shared->put(path, number, der));
  in_registry_.insert(path);
  if (version == followed_ + 1) followed_ = version;  // else another node's is between
  return {};
}

Outcome<void> CrlPublisher::write_file(const std::string& path, const registry::Bytes& der) {
  const auto file = options_.folder / path;
  std::error_code ignored;  // the write says what is wrong
  std::filesystem::create_directories(file.parent_path(), ignored);
  if (auto written = files::replace_file(file, der, files::kPublicFile); !written) {
    return refuse(Reason::kStorage, "CRL " + file.string() + ": " + std::string(to_string(written.error())));
  }
  return {};
}

Outcome<void> CrlPublisher::end(const registry::CrlOrder& order) {
  if (options_.before_end) LATCHKEY_TRY_VOID(options_.before_end(order.ca));
  auto ended = registry_.ca_ended(order.ca.id, order.number);
  // Something was revoked while this was signed: the list is due again, and the key is still there to sign it.
  if (!ended && ended.error().reason == Reason::kPreconditionFailed) return {};
  if (!ended) return fail(ended.error());
  return authority_.destroy_key(order.ca);
}

PublishedList& CrlPublisher::last_of(const Uuid& ca, CrlShard shard) {
  const auto [at, fresh] = published_.try_emplace({ca, shard.count, shard.index});
  if (!fresh) return at->second;
  const auto path = list_path(ca, shard);
  at->second = read_published(options_.folder / path);
  if (options_.shared != nullptr && in_registry_.count(path) == 0) at->second.next_update = 0;
  return at->second;
}

}  // namespace latchkey::hub::ca

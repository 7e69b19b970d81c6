// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/crl_publisher.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <utility>

#include "platform/files/file.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::ca {
namespace {

using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

constexpr std::size_t kCrlFileMax = std::size_t{512} * 1024 * 1024;
constexpr UnixMs kNever = std::numeric_limits<UnixMs>::max();

UnixMs unix_ms(const ASN1_TIME* time) {
  std::tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<UnixMs>(::timegm(&parts)) * 1000 : 0;
}

std::uint64_t number_of(X509_CRL* crl) {
  const openssl::Asn1IntegerPtr number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, nullptr, nullptr)));
  std::uint64_t value = 0;
  return number && ASN1_INTEGER_get_uint64(&value, number.get()) == 1 ? value : 0;
}

bool signs_lists(const registry::CaCertificate& ca, UnixMs now) {
  return ca.status != registry::CaStatus::kRetired && !ca.key_ref.empty() && ca.not_after > now;
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

std::filesystem::path CrlPublisher::file_of(const Uuid& ca) const {
  return options_.folder / (std::string(view(to_text(ca))) + ".crl");
}

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
      written += *published ? 1 : 0;
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
    const Published& last = last_of(ca.id);
    const bool fresh = last.fresh_at(now) && !anew;
    if (fresh) look_again_at_ = std::min(look_again_at_, last.renew_at());
    const bool ordered = std::ranges::any_of(orders, [&](const auto& order) { return order.ca.id == ca.id; });
    if (fresh || ordered) continue;
    auto order = registry_.crl_order(ca.id, now);
    if (!order && order.error().reason == Reason::kNotFound) continue;  // retired since it was listed
    if (!order) return fail(order.error());
    orders.push_back(*std::move(order));
  }
  return {};
}

Outcome<void> CrlPublisher::record(const Uuid& ca, const Published& list) {
  look_again_at_ = std::min(look_again_at_, list.renew_at());
  LATCHKEY_TRY(recorded, registry_.crl_published(ca, list.number, list.entries));
  static_cast<void>(recorded);
  return {};
}

Outcome<bool> CrlPublisher::publish_one(registry::CrlOrder order, UnixMs now) {
  Published& last = last_of(order.ca.id);
  if (order.number <= last.number) {
    // The file is there, the record of it is not: a crash between the two, or an older registry was restored.
    const bool same_list = order.number == last.number && order.revoked.size() == last.entries;
    if (same_list && order.last && last.next_update >= order.ca.not_after) {
      LATCHKEY_TRY_VOID(end(order));
      return false;
    }
    LATCHKEY_TRY_VOID(record(order.ca.id, last));
    if (same_list && !order.last && last.fresh_at(now)) return false;
    LATCHKEY_TRY(above, registry_.crl_order(order.ca.id, now));
    order = std::move(above);
  }
  LATCHKEY_TRY_VOID(write(order, now, last));
  LATCHKEY_TRY_VOID(order.last ? end(order) : record(order.ca.id, last));
  return true;
}

Outcome<void> CrlPublisher::write(const registry::CrlOrder& order, UnixMs now, Published& last) {
  Published next{order.number, now, now + options_.validity_ms, order.revoked.size()};
  if (order.last) next.next_update = std::max(next.next_update, order.ca.not_after);
  const auto spoilt = options_.spoil ? options_.spoil(order.ca) : Spoilt::kNot;
  // The publisher goes on as if the list were good: whoever spoils one also says when that is over (anew()).
  const UnixMs back = spoilt == Spoilt::kStale ? next.next_update - now + kDayMs : 0;
  LATCHKEY_TRY(der, authority_.sign_crl(order, next.this_update - back, next.next_update - back));
  if (spoilt == Spoilt::kWronglySigned) der.back() ^= 1;  // the last octet of the signature
  if (auto written = files::replace_file(file_of(order.ca.id), der, files::kPublicFile); !written) {
    return refuse(Reason::kStorage, "CRL of " + order.ca.subject + ": " + std::string(to_string(written.error())));
  }
  last = next;
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

CrlPublisher::Published& CrlPublisher::last_of(const Uuid& ca) {
  if (const auto found = published_.find(ca); found != published_.end()) return found->second;
  Published& last = published_[ca];
  const auto content = files::read_file(file_of(ca), kCrlFileMax);
  if (!content) return last;
  const std::uint8_t* end = content->data();
  const openssl::X509CrlPtr crl(d2i_X509_CRL(nullptr, &end, static_cast<long>(content->size())));
  openssl::take_error();
  if (!crl) return last;  // damaged: as good as lost, and made anew
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(crl.get());
  last = {number_of(crl.get()), unix_ms(X509_CRL_get0_lastUpdate(crl.get())),
          unix_ms(X509_CRL_get0_nextUpdate(crl.get())),
          entries == nullptr ? 0 : static_cast<std::size_t>(sk_X509_REVOKED_num(entries))};
  return last;
}

}  // namespace latchkey::hub::ca

// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/expiry.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "registry/operations/internal/rules.h"
#include "registry/store/enrollments.h"
#include "registry/store/fleet.h"
#include "registry/store/fold.h"
#include "registry/store/hubs.h"
#include "registry/store/namespaces.h"
#include "registry/store/policies.h"

namespace latchkey::registry {
namespace {

constexpr UnixMs kDayMs = 24LL * 60 * 60 * 1000;
constexpr std::size_t kPageLimit = 1000;

struct PolicyName {
  std::string name;
  bool deleted = false;
};

// Names by uuid, each looked up once, and whether what bears them is asked for.
class Names {
 public:
  Names(store::Database& db, const ExpiryScope& scope) : db_(db), scope_(scope) {}

  // kNotFound when the scope names what is not there. A deleted policy can be asked for as long as it has certificates.
  Outcome<Nothing> load() {
    LATCHKEY_TRY(namespaces, store::list_namespaces(db_));
    for (const auto& ns : namespaces) namespaces_[ns.uuid] = ns.name;
    LATCHKEY_TRY(hubs, store::list_hubs(db_));
    for (const auto& hub : hubs) hubs_[hub.uuid] = hub.name;
    const auto has = [](const std::map<Uuid, std::string>& names, const std::string& wanted) {
      return wanted.empty() || std::any_of(names.begin(), names.end(), [&](const auto& one) {
               return store::fold(one.second) == store::fold(wanted);
             });
    };
    if (!scope_.ns.empty()) LATCHKEY_TRY_VOID(parent_namespace(db_, scope_.ns));
    if (!has(hubs_, scope_.hub)) return refuse(Reason::kNotFound, "there is no hub '" + scope_.hub + "'");
    return check_policy();
  }

  const std::string& ns(const Uuid& uuid) { return namespaces_[uuid]; }
  const std::string& hub(const std::optional<Uuid>& uuid) { return hubs_[uuid.value_or(Uuid{})]; }
  Outcome<PolicyName> policy(const Uuid& uuid) {
    const auto known = policies_.find(uuid);
    if (known != policies_.end()) return known->second;
    LATCHKEY_TRY(row, store::find_policy_row(db_, uuid));
    PolicyName name;
    if (row) name = {row->policy.name, row->deleted};
    return policies_.emplace(uuid, std::move(name)).first->second;
  }
  bool wanted(const std::string& ns, const std::string& policy, const std::string& hub) const {
    const auto fits = [](const std::string& wish, const std::string& name) {
      return wish.empty() || store::fold(wish) == store::fold(name);
    };
    return fits(scope_.ns, ns) && fits(scope_.policy, policy) && fits(scope_.hub, hub);
  }

 private:
  Outcome<Nothing> check_policy() {
    if (scope_.policy.empty()) return Nothing{};
    for (const auto& [uuid, name] : namespaces_) {
      if (!scope_.ns.empty() && store::fold(name) != store::fold(scope_.ns)) continue;
      LATCHKEY_TRY(found, store::had_policy(db_, uuid, scope_.policy));
      if (found) return Nothing{};
    }
    return refuse(Reason::kNotFound, "there is no policy '" + scope_.policy + "'");
  }

  store::Database& db_;
  const ExpiryScope& scope_;
  std::map<Uuid, std::string> namespaces_;
  std::map<Uuid, std::string> hubs_;
  std::map<Uuid, PolicyName> policies_;
};

store::EndsQuery ends_of(const ExpiryQuery& query) {
  store::EndsQuery ends;
  ends.after.not_after = query.now - query.expired_days * kDayMs;
  ends.until = query.now + query.within_days * kDayMs;
  ends.now = query.now;
  ends.percent_left = 100 - kRenewalOpensPercent;
  return ends;
}

std::size_t bucket_of(UnixMs left) {
  for (std::size_t i = 0; i < kExpiryDays.size(); ++i) {
    if (left <= kExpiryDays[i] * kDayMs) return i;
  }
  return kExpiryDays.size();
}

void count_in(ExpiryGroup& group, const store::StandingCertificate& one, const ExpiryQuery& query) {
  const auto state = renewal_state(one.not_before, one.not_after, query.now);
  if (!one.enabled) {
    group.disabled += state == RenewalState::kFresh ? 0 : 1;
  } else if (state != RenewalState::kFresh) {
    ++(state == RenewalState::kDue ? group.due : state == RenewalState::kOverdue ? group.overdue : group.expired);
  }
  const UnixMs left = one.not_after - query.now;
  if (left <= 0 || left > query.within_days * kDayMs) return;
  ++group.expiring;
  if (const auto bucket = bucket_of(left); bucket < group.ends.size()) ++group.ends[bucket];
  if (group.first_end == 0 || one.not_after < group.first_end) group.first_end = one.not_after;
}

// Ends within, or has a state that is counted.
bool counts(const store::StandingCertificate& one, const ExpiryQuery& query) {
  return one.not_after <= query.now + query.within_days * kDayMs ||
         renewal_state(one.not_before, one.not_after, query.now) != RenewalState::kFresh;
}

// The groups of a report, by names. Whose group it is, is looked up by identifiers: names are made once for a group.
class Groups {
 public:
  explicit Groups(Names& names) : names_(names) {}

  // Where it is to be counted; null: it is not asked for.
  Outcome<ExpiryGroup*> of(const store::StandingCertificate& one) {
    const Place place{one.namespace_uuid, one.policy, one.assigned_hub.value_or(Uuid{})};
    if (last_ && last_->first == place) return last_->second;
    auto known = places_.find(place);
    if (known == places_.end()) {
      LATCHKEY_TRY(group, find(one));
      known = places_.emplace(place, group).first;
    }
    last_ = *known;
    return known->second;
  }
  std::vector<ExpiryGroup> take() {
    std::vector<ExpiryGroup> all;
    for (auto& [key, group] : groups_) all.push_back(std::move(group));
    return all;
  }

 private:
  using Place = std::tuple<Uuid, Uuid, Uuid>;                           // namespace, policy, hub
  using Key = std::tuple<std::string, std::string, std::string, Uuid>;  // a namesake of a deleted policy is another

  Outcome<ExpiryGroup*> find(const store::StandingCertificate& one) {
    LATCHKEY_TRY(policy, names_.policy(one.policy));
    const auto& ns = names_.ns(one.namespace_uuid);
    const auto& hub = names_.hub(one.assigned_hub);
    if (!names_.wanted(ns, policy.name, hub)) return nullptr;
    auto& group = groups_[{ns, policy.name, hub, one.policy}];
    group.ns = ns;
    group.policy = policy.name;
    group.policy_deleted = policy.deleted;
    group.hub = hub;
    return &group;
  }

  Names& names_;
  std::map<Key, ExpiryGroup> groups_;
  std::map<Place, ExpiryGroup*> places_;
  std::optional<std::pair<Place, ExpiryGroup*>> last_;  // neighbours are mostly of one group
};

// "1795266138000-7a0b": the end and the serial of the last certificate on a page.
std::string token_of(const ExpiringDevice& device) {
  std::string hex(hex_size(device.serial.size()), '0');
  static_cast<void>(hex_encode(device.serial, MutableBytes(reinterpret_cast<std::uint8_t*>(hex.data()), hex.size())));
  return std::to_string(device.not_after) + "-" + hex;
}

Outcome<store::EndMark> mark_of(const std::string& token) {
  const auto dash = token.find('-', 1);
  store::EndMark mark;
  const char* end = token.data() + std::min(dash, token.size());
  const auto [stop, error] = std::from_chars(token.data(), end, mark.not_after);
  const bool number = dash != std::string::npos && error == std::errc() && stop == end;
  mark.serial = number ? Bytes((token.size() - dash - 1) / 2) : Bytes();
  const auto hex = number ? std::string_view(token).substr(dash + 1) : std::string_view();
  const auto written = hex_decode(hex, MutableBytes(mark.serial.data(), mark.serial.size()));
  if (!written || mark.serial.empty()) return refuse(Reason::kInvalidArgument, "that is no place in this list");
  return mark;
}

// No state asked for: whatever ends within. A state: enabled devices in it.
bool on_page(const ExpiringDevice& device, const ExpiringPageQuery& query) {
  if (query.state) return device.enabled && device.state == *query.state;
  const UnixMs left = device.not_after - query.query.now;
  return left > 0 && left <= query.query.within_days * kDayMs;
}

}  // namespace

std::string_view to_string(RenewalState state) {
  switch (state) {
    case RenewalState::kFresh: return "fresh";
    case RenewalState::kDue: return "due";
    case RenewalState::kOverdue: return "overdue";
    case RenewalState::kExpired: return "expired";
  }
  return "";
}

std::optional<RenewalState> parse_renewal_state(std::string_view text) {
  for (const auto state : {RenewalState::kFresh, RenewalState::kDue, RenewalState::kOverdue, RenewalState::kExpired}) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

RenewalState renewal_state(UnixMs not_before, UnixMs not_after, UnixMs now) {
  if (not_after <= now) return RenewalState::kExpired;
  const UnixMs left = (not_after - now) * 100;
  const UnixMs life = not_after - not_before;
  if (left <= life * (100 - kRenewalOverduePercent)) return RenewalState::kOverdue;
  return left <= life * (100 - kRenewalOpensPercent) ? RenewalState::kDue : RenewalState::kFresh;
}

Outcome<ExpiryReport> SqlRegistry::expiry_report(const ExpiryQuery& query) {
  return read<ExpiryReport>([&](store::Database& db) -> Outcome<ExpiryReport> {
    Names names(db, query.scope);
    LATCHKEY_TRY_VOID(names.load());
    Groups groups(names);
    Outcome<Nothing> fine = Nothing{};
    const UnixMs after = query.now - query.expired_days * kDayMs;
    LATCHKEY_TRY_VOID(store::each_standing(db, after, [&](const store::StandingCertificate& one) {
      if (!fine || !counts(one, query)) return;
      const auto group = groups.of(one);
      if (!group) {
        fine = fail(group.error());
      } else if (*group != nullptr) {
        count_in(**group, one, query);
      }
    }));
    LATCHKEY_TRY_VOID(std::move(fine));
    return ExpiryReport{groups.take()};
  });
}

Outcome<ExpiringPage> SqlRegistry::expiring_devices(const ExpiringPageQuery& query) {
  return read<ExpiringPage>([&](store::Database& db) -> Outcome<ExpiringPage> {
    Names names(db, query.query.scope);
    LATCHKEY_TRY_VOID(names.load());
    auto ends = ends_of(query.query);
    if (query.state != RenewalState::kExpired) ends.after.not_after = query.query.now;
    if (query.state) {
      ends.until = query.query.now;
    } else {
      ends.percent_left = -1;  // nothing: what is due but ends later is not on it
    }
    if (!query.after.empty()) {
      LATCHKEY_TRY(mark, mark_of(query.after));
      ends.after = std::move(mark);
    }
    const std::size_t size = std::clamp<std::size_t>(query.limit, 1, kPageLimit);
    ExpiringPage page;
    Outcome<Nothing> fine = Nothing{};
    LATCHKEY_TRY_VOID(store::each_end(db, ends, [&](store::EndingCertificate one) {
      auto policy = names.policy(one.policy);
      if (!policy) fine = fail(policy.error());
      if (!fine) return false;
      ExpiringDevice device{names.ns(one.namespace_uuid),
                            std::move(one.device),
                            policy->name,
                            names.hub(one.assigned_hub),
                            one.enabled,
                            renewal_state(one.not_before, one.not_after, query.query.now),
                            std::move(one.serial),
                            one.not_before,
                            one.not_after};
      if (!names.wanted(device.ns, device.policy, device.hub) || !on_page(device, query)) return true;
      if (page.devices.size() == size) {
        page.next = token_of(page.devices.back());
        return false;
      }
      page.devices.push_back(std::move(device));
      return true;
    }));
    LATCHKEY_TRY_VOID(std::move(fine));
    return page;
  });
}

Outcome<std::vector<Enrollment>> SqlRegistry::certificate_enrollments() {
  return read<std::vector<Enrollment>>([](store::Database& db) { return store::list_with_certificates(db); });
}

}  // namespace latchkey::registry

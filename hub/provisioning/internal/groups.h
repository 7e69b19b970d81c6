// SPDX-License-Identifier: Apache-2.0
// The enrollment groups, held in memory so that an attestation does not read all of them: a token does not say which
// group its key was derived from, and neither does a certificate.
//
// What it costs: where the registry's edition is the one that the list was held to last, nothing is asked; otherwise
// the registry is asked for the groups' generation, one row. After a change of a group the next ones read all groups
// again (a scan of the enrollments; with X.509 also a parse of each signing certificate, some tens of microseconds).
// Between changes a token is tried against every group with symmetric keys, at two HMACs a key, and a certificate only
// against those groups whose CA has the name that its chain asks for.
//
// Timing: all candidates are always tried and signatures compare in constant time, so the time that an answer takes
// tells how many groups there are, not which one a proof came near to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "registry/operations/registry.h"

namespace latchkey::hub::provisioning {

// The groups as of one generation. Never changes; wipes its keys when it goes.
class GroupList {
 public:
  using Candidates = std::vector<const registry::Enrollment*>;  // into the list, in the order of their ids

  explicit GroupList(registry::EnrollmentGroups groups);
  GroupList(const GroupList&) = delete;
  GroupList& operator=(const GroupList&) = delete;
  ~GroupList();

  std::uint64_t generation() const { return groups_.generation; }
  Candidates with_symmetric_keys() const;
  // The X.509 groups with a signing certificate that is in `chain` or may have signed a certificate of it, going by
  // names alone (RFC 5280 section 7.1): the signatures are for the caller to verify. A group whose certificate cannot
  // be read is never left out.
  Candidates that_may_vouch_for(const std::vector<registry::Bytes>& chain) const;

 private:
  registry::EnrollmentGroups groups_;
  std::unordered_multimap<unsigned long, std::size_t> by_subject_;  // hash of the canonical name, index of the group
  std::vector<std::size_t> unreadable_;
};

// Threads: any, several at once; blocks on `read`, without a lock.
class Groups {
 public:
  // Registry::groups_unless.
  using Read =
      std::function<registry::Outcome<std::optional<registry::EnrollmentGroups>>(std::optional<std::uint64_t> known)>;
  // Registry::edition.
  using Edition = std::function<std::uint64_t()>;
  // Without `edition` the registry is asked each time.
  explicit Groups(Read read, Edition edition = {}) : read_(std::move(read)), edition_(std::move(edition)) {}

  // As of the last commit. Refuses as `read` does.
  registry::Outcome<std::shared_ptr<const GroupList>> current();

 private:
  const Read read_;
  const Edition edition_;
  std::mutex mutex_;  // guards the rest
  std::shared_ptr<const GroupList> newest_;
  std::uint64_t held_to_ = 0;  // the edition as of which newest_ is known to be that
};

}  // namespace latchkey::hub::provisioning

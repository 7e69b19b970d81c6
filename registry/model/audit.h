// SPDX-License-Identifier: Apache-2.0
// The audit: one record for each attempt at a mutation, and how records hang together. Each carries a hash over all of
// its fields and over the record before it, so that a record that was changed, removed, inserted or moved is found.
// docs/audit.md has the encoding for those who verify an export without us.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/ids.h"
#include "platform/ports/digest.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::registry {

using AuditHash = ports::Sha256;

struct AuditRecord {
  std::uint64_t number = 0;  // from 1 on, without gaps
  UnixMs at = 0;
  std::string actor;        // who: "uid:0 (root)", "dps", "agent:dev-1"
  std::string action;       // "device.revoke"
  std::string resource;     // "namespaces/default/devices/dev-1"
  std::string outcome;      // "ok" or a reason's name
  std::string detail;       // a sentence for people
  std::string source = {};  // from where: "unix socket", "127.0.0.1:51234"; empty: the hub process itself
  std::string before = {};  // what the act changed, "enabled=yes version=3"; empty when it was refused
  std::string after = {};   // the same facts afterwards
  AuditHash previous{};     // hash of the record before; zeros for the first
  AuditHash hash{};         // of this one
};

// The newest record, by number and hash. No records: 0 and zeros.
struct AuditHead {
  std::uint64_t count = 0;
  AuditHash hash{};
  bool operator==(const AuditHead& other) const { return count == other.count && hash == other.hash; }
};

// What a walk over the whole chain found.
struct AuditReport {
  struct Fault {
    std::uint64_t number = 0;  // the first record that is not as it was written
    std::string what;          // "is missing", ...: reads on after "record N "
  };
  AuditHead head;  // as the walk began; what came later was not looked at
  std::optional<Fault> fault;
};

// The bytes that are hashed: every field but `hash`, each behind its length, so that no two records encode alike.
std::string audit_encoding(const AuditRecord& record);
// kInternal when there is no digest to be had.
Outcome<AuditHash> audit_hash(const ports::Digest& digest, const AuditRecord& record);

// "COUNT:HASH", the form in which a head is noted elsewhere; hash in 64 hex digits.
std::string to_text(const AuditHead& head);
std::optional<AuditHead> parse_audit_head(std::string_view text);

// What is worth telling about a resource: short, stable names, never a secret.
struct AuditFact {
  std::string name;
  std::string value;
};
using AuditFacts = std::vector<AuditFact>;

// The facts that differ, as "name=value name=value": first as they were, second as they are. Spaces in values become
// '_'.
std::pair<std::string, std::string> differences(const AuditFacts& before, const AuditFacts& after);

}  // namespace latchkey::registry

// SPDX-License-Identifier: Apache-2.0
#include "registry/store/portrait.h"

#include <array>

#include "registry/store/certificates.h"
#include "registry/store/fold.h"

namespace latchkey::registry::store {
namespace {

enum class As {
  kText,
  kNumber,
  kFlag,         // yes, no
  kHex,          // a serial: public, and what certificates and CRLs show
  kStart,        // of a random identifier
  kKeyProfile,   // ec-p256
  kAttestation,  // symmetric_key, x509
  kCertificate,  // reserved, issued, revoked
  kAllocation,   // hashed
};
struct Column {
  std::string_view name;
  As as;
};

// A path of an audit record, and where its facts are. {} takes a name, {fold} one that compares without case, {hex} a
// serial; they are the parameters of the query, in this order. Names that exist have no '/' in them.
struct Sitter {
  std::string_view pattern;
  std::string_view sql;
  std::vector<Column> columns;
};

const std::vector<Sitter>& sitters() {
  static const std::vector<Sitter> table = {
      {"namespaces/{}/devices/{}",
       "SELECT d.credential_id, d.enabled, d.version, p.name FROM namespaces n JOIN devices d ON d.namespace = n.uuid "
       "LEFT JOIN policies p ON p.uuid = d.policy WHERE n.name = $1 AND d.id = $2",
       {{"credential", As::kStart}, {"enabled", As::kFlag}, {"version", As::kNumber}, {"policy", As::kText}}},
      {"registrations/{fold}",
       "SELECT r.device_id, h.name, d.credential_id, p.name FROM registrations r JOIN hubs h ON h.uuid = r.hub "
       "LEFT JOIN devices d ON d.namespace = r.namespace AND d.id = r.device_id "
       "LEFT JOIN policies p ON p.uuid = d.policy WHERE r.folded_id = $1",
       {{"device", As::kText}, {"hub", As::kText}, {"credential", As::kStart}, {"policy", As::kText}}},
      {"certificates/{hex}",
       "SELECT device_id, status FROM certificates WHERE serial = $1",
       {{"device", As::kText}, {"status", As::kCertificate}}},
      {"namespaces/{}/credentials/default/policies/{fold}",
       "SELECT c.serial, p.validity_days, p.key_profile FROM namespaces n JOIN policies p ON p.namespace = n.uuid "
       "LEFT JOIN cas c ON c.id = p.ca WHERE n.name = $1 AND p.folded_name = $2 AND p.deleted = 0",
       {{"issuing_ca", As::kHex}, {"validity_days", As::kNumber}, {"key_profile", As::kKeyProfile}}},
      {"namespaces/{}/credentials/default",
       "SELECT c.serial, k.key_profile, (SELECT COUNT(*) FROM hubs h JOIN hub_certificates x ON x.hub = h.uuid "
       "WHERE h.namespace = n.uuid) FROM namespaces n JOIN credentials k ON k.namespace = n.uuid "
       "JOIN cas c ON c.id = k.ca WHERE n.name = $1",
       {{"root_ca", As::kHex}, {"key_profile", As::kKeyProfile}, {"hub_certificates", As::kNumber}}},
      {"namespaces/{}", "SELECT uuid FROM namespaces WHERE name = $1", {{"uuid", As::kStart}}},
      {"enrollments/{fold}",
       "SELECT e.enabled, e.attestation, e.policy_name, e.device_id, n.name, e.allocation, replace(trim(e.hubs, "
       "char(10)), char(10), ',') FROM enrollments e "
       "JOIN namespaces n ON n.uuid = e.namespace WHERE e.folded_id = $1 AND e.is_group = 0",
       {{"enabled", As::kFlag},
        {"attestation", As::kAttestation},
        {"policy", As::kText},
        {"device", As::kText},
        {"namespace", As::kText},
        {"allocation", As::kAllocation},
        {"hubs", As::kText}}},
      {"enrollmentGroups/{fold}",
       "SELECT e.enabled, e.attestation, e.policy_name, n.name, e.allocation, replace(trim(e.hubs, char(10)), "
       "char(10), "
       "',') FROM enrollments e JOIN namespaces n ON n.uuid = e.namespace WHERE e.folded_id = $1 AND e.is_group = 1",
       {{"enabled", As::kFlag},
        {"attestation", As::kAttestation},
        {"policy", As::kText},
        {"namespace", As::kText},
        {"allocation", As::kAllocation},
        {"hubs", As::kText}}},
      {"hubs/{fold}",
       "SELECT h.host, n.name, h.listen, h.latency_ms FROM hubs h JOIN namespaces n ON n.uuid = h.namespace "
       "WHERE h.folded_name = $1",
       {{"host", As::kText}, {"namespace", As::kText}, {"listen", As::kText}, {"latency_ms", As::kNumber}}},
      {"hubs/{fold}/certificates/{}",
       "SELECT c.serial FROM hubs h JOIN hub_certificates x ON x.hub = h.uuid JOIN cas c ON c.id = x.ca "
       "WHERE h.folded_name = $1 AND x.name = $2",
       {{"issuing_ca", As::kHex}}},
  };
  return table;
}

constexpr std::size_t kMostParts = 8;  // more than any pattern has
struct Parts {
  std::array<std::string_view, kMostParts> part;
  std::size_t count = 0;
};

// Nothing when there are too many parts to be the path of anything.
std::optional<Parts> split(std::string_view path) {
  Parts parts;
  for (;;) {
    if (parts.count == kMostParts) return std::nullopt;
    const auto end = path.find('/');
    parts.part[parts.count++] = path.substr(0, end);
    if (end == std::string_view::npos) return parts;
    path.remove_prefix(end + 1);
  }
}

bool fits(const Parts& path, std::string_view pattern) {
  for (std::size_t i = 0; i < path.count; ++i) {
    const auto end = pattern.find('/');
    const auto part = pattern.substr(0, end);
    const bool last = end == std::string_view::npos;
    if (last != (i + 1 == path.count) || (part.front() != '{' && part != path.part[i])) return false;
    if (!last) pattern.remove_prefix(end + 1);
  }
  return true;
}

std::string hex(ByteView bytes) {
  std::string text(hex_size(bytes.size()), '0');
  static_cast<void>(hex_encode(bytes, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size())));
  return text;
}

Bytes from_hex(std::string_view text) {
  Bytes bytes(text.size() / 2);
  const auto size = hex_decode(text, MutableBytes(bytes.data(), bytes.size()));
  return size ? bytes : Bytes();
}

void bind_names(Query& query, const Parts& path, std::string_view pattern) {
  const auto parts = split(pattern);
  for (std::size_t i = 0; i < path.count; ++i) {
    const auto part = parts->part[i];
    if (part == "{}") query.bind(path.part[i]);
    if (part == "{fold}") query.bind(fold(path.part[i]));
    if (part == "{hex}") query.bind(from_hex(path.part[i]));
  }
}

std::string start(ByteView bytes) { return hex(bytes.subview(0, 4)); }

std::string value(const Query& row, int column, As as) {
  switch (as) {
    case As::kText: return row.text(column);
    case As::kNumber: return std::to_string(row.integer(column));
    case As::kFlag: return row.flag(column) ? "yes" : "no";
    case As::kHex: return hex(row.bytes(column));
    case As::kStart: return start(row.bytes(column));
    case As::kKeyProfile: return std::string(to_string(row.value<KeyProfile>(column)));
    case As::kAttestation:
      return row.value<AttestationKind>(column) == AttestationKind::kX509 ? "x509" : "symmetric_key";
    case As::kCertificate: return shown(row.value<CertificateStatus>(column));
    case As::kAllocation: return std::string(to_string(row.value<AllocationPolicy>(column)));
  }
  return {};
}

}  // namespace

std::string shown(const CredentialId& id) { return start(ByteView(id.bytes)); }

Outcome<AuditFacts> portrait(Database& database, std::string_view path) {
  const auto parts = split(path);
  if (!parts) return AuditFacts{};
  for (const Sitter& sitter : sitters()) {
    if (!fits(*parts, sitter.pattern)) continue;
    Query query = database.query(sitter.sql);
    bind_names(query, *parts, sitter.pattern);
    LATCHKEY_TRY(facts, query.first([&](const Query& row) {
      AuditFacts read;
      for (int i = 0; i < static_cast<int>(sitter.columns.size()); ++i) {
        const Column& column = sitter.columns[static_cast<std::size_t>(i)];
        auto shown = row.null(i) ? std::string() : value(row, i, column.as);
        if (!shown.empty()) read.push_back({std::string(column.name), std::move(shown)});  // what is not set is no fact
      }
      return read;
    }));
    return facts ? std::move(*facts) : AuditFacts{};
  }
  return AuditFacts{};
}

}  // namespace latchkey::registry::store

// SPDX-License-Identifier: Apache-2.0
#include "registry/store/enrollments.h"

#include <charconv>

#include "registry/store/fold.h"
#include "registry/store/settings.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect =
    "SELECT uuid, is_group, id, namespace, attestation, primary_proof, secondary_proof, policy_name, enabled, "
    "device_id, created, updated, allocation, hubs, moves, migrates, initial_tags, initial_desired FROM enrollments ";

// A list as one text with a line for each.
std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0, end; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
    lines.push_back(text.substr(from, end - from));
  }
  return lines;
}

Enrollment read_enrollment(const Query& row) {
  Enrollment enrollment;
  enrollment.uuid = row.id<Uuid>(0);
  enrollment.group = row.flag(1);
  enrollment.id = row.text(2);
  enrollment.namespace_uuid = row.id<Uuid>(3);
  enrollment.attestation = row.value<AttestationKind>(4);
  enrollment.primary = row.bytes(5);
  enrollment.secondary = row.bytes(6);
  enrollment.policy_name = row.text(7);
  enrollment.enabled = row.flag(8);
  enrollment.device_id = row.text(9);
  enrollment.created = row.integer(10);
  enrollment.updated = row.integer(11);
  enrollment.allocation = row.value<AllocationPolicy>(12);
  enrollment.hubs = split(row.text(13));
  enrollment.reprovision = {row.flag(14), row.flag(15)};
  enrollment.initial_twin = {row.text(16), row.text(17)};
  return enrollment;
}

// A setting and no counter: every transaction takes `counters` for the numbers that it gives out.
const std::string kGeneration = "enrollment-groups.generation";

Outcome<Nothing> count_change(Database& database, const Enrollment& changed) {
  return changed.group ? next_group_generation(database) : Nothing{};
}

}  // namespace

Outcome<Nothing> insert(Database& database, const Enrollment& enrollment) {
  LATCHKEY_TRY_VOID(count_change(database, enrollment));
  return database
      .query(
          "INSERT INTO enrollments (uuid, is_group, id, folded_id, namespace, attestation, primary_proof, "
          "secondary_proof, policy_name, enabled, device_id, created, updated, allocation, hubs, moves, migrates, "
          "initial_tags, initial_desired) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
          enrollment.uuid, enrollment.group, enrollment.id, fold(enrollment.id), enrollment.namespace_uuid,
          enrollment.attestation, enrollment.primary, enrollment.secondary, enrollment.policy_name, enrollment.enabled,
          enrollment.device_id, enrollment.created, enrollment.updated, enrollment.allocation, join(enrollment.hubs),
          enrollment.reprovision.update_hub_assignment, enrollment.reprovision.migrate_device_data,
          enrollment.initial_twin.tags, enrollment.initial_twin.desired)
      .run();
}

Outcome<Nothing> update(Database& database, const Enrollment& enrollment) {
  LATCHKEY_TRY_VOID(count_change(database, enrollment));
  return database
      .query(
          "UPDATE enrollments SET policy_name = $1, enabled = $2, updated = $3, allocation = $4, hubs = $5, "
          "moves = $6, migrates = $7, initial_tags = $8, initial_desired = $9 WHERE uuid = $10",
          enrollment.policy_name, enrollment.enabled, enrollment.updated, enrollment.allocation, join(enrollment.hubs),
          enrollment.reprovision.update_hub_assignment, enrollment.reprovision.migrate_device_data,
          enrollment.initial_twin.tags, enrollment.initial_twin.desired, enrollment.uuid)
      .run();
}

Outcome<Nothing> remove(Database& database, const Enrollment& enrollment) {
  LATCHKEY_TRY_VOID(count_change(database, enrollment));
  return database.query("DELETE FROM enrollments WHERE uuid = $1", enrollment.uuid).run();
}

Outcome<std::optional<Enrollment>> find_enrollment(Database& database, std::string_view id, bool group) {
  static const std::string sql = kSelect + "WHERE folded_id = $1 AND is_group = $2";
  return database.query(sql, fold(id), group).first(read_enrollment);
}

Outcome<std::optional<Enrollment>> find_enrollment_by_uuid(Database& database, const Uuid& uuid) {
  static const std::string sql = kSelect + "WHERE uuid = $1";
  return database.query(sql, uuid).first(read_enrollment);
}

Outcome<std::vector<Enrollment>> list_enrollments(Database& database) {
  static const std::string sql = kSelect + "ORDER BY folded_id, is_group";
  return database.query(sql).all(read_enrollment);
}

Outcome<std::vector<Enrollment>> enrollments_after(Database& database, bool group, std::string_view after,
                                                   std::size_t limit) {
  static const std::string sql = kSelect + "WHERE is_group = $1 AND folded_id > $2 ORDER BY folded_id LIMIT $3";
  return database.query(sql, group, fold(after), limit).all(read_enrollment);
}

Outcome<std::vector<Enrollment>> list_groups(Database& database) {
  static const std::string sql = kSelect + "WHERE is_group = 1 ORDER BY folded_id";
  return database.query(sql).all(read_enrollment);
}

Outcome<std::vector<Enrollment>> list_with_certificates(Database& database) {
  // The literal attestation lets the partial index serve.
  static const std::string sql = kSelect + "WHERE attestation = 2 ORDER BY is_group, folded_id";
  return database.query(sql).all(read_enrollment);
}

Outcome<Nothing> next_group_generation(Database& database) {
  LATCHKEY_TRY(generation, group_generation(database));
  return put_setting(database, kGeneration, std::to_string(generation + 1));
}

Outcome<std::uint64_t> group_generation(Database& database) {
  LATCHKEY_TRY(text, find_setting(database, kGeneration));
  std::uint64_t generation = 0;
  if (text && std::from_chars(text->data(), text->data() + text->size(), generation).ec != std::errc()) {
    return refuse(Reason::kStorage, "the generation of the enrollment groups is no number");
  }
  return generation;
}

}  // namespace latchkey::registry::store

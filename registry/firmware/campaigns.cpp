// SPDX-License-Identifier: Apache-2.0
#include "registry/firmware/campaigns.h"

#include <algorithm>

#include "registry/firmware/bundles.h"
#include "registry/store/devices.h"
#include "registry/store/namespaces.h"
#include "registry/store/policies.h"

namespace latchkey::registry::firmware {
namespace {

using store::Database;
using store::Query;

const std::string kSelect =
    "SELECT namespace, bundle, number, size, board, version, image, policy, policy_name, devices, percent, state, "
    "created, updated FROM firmware_campaigns ";
// Of a device, and of what it said about a bundle: the same columns.
const std::string kReportColumns = "report, reason, version, board, image, pins, revocations, at";

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

Campaign read_campaign(const Query& row) {
  Campaign one;
  one.namespace_uuid = row.id<Uuid>(0);
  one.bundle = row.bytes(1);
  one.number = static_cast<std::uint64_t>(row.integer(2));
  one.size = static_cast<std::uint64_t>(row.integer(3));
  one.board = row.text(4);
  one.version = row.text(5);
  one.image = row.bytes(6);
  one.policy = row.optional_id<Uuid>(7);
  one.policy_name = row.text(8);
  one.devices = lines_of(row.text(9));
  one.percent = static_cast<int>(row.integer(10));
  one.state = row.value<CampaignState>(11);
  one.created = row.integer(12);
  one.updated = row.integer(13);
  return one;
}

Report read_report(const Query& row, int first) {
  Report report;
  report.event = row.value<Event>(first);
  report.reason = row.text(first + 1);
  report.version = row.text(first + 2);
  report.board = row.text(first + 3);
  report.image = row.bytes(first + 4);
  report.pins = static_cast<std::uint64_t>(row.integer(first + 5));
  report.revocations = static_cast<std::uint64_t>(row.integer(first + 6));
  report.at = row.integer(first + 7);
  return report;
}
constexpr int kReportWidth = 8;

bool same(const Report& a, const Report& b) {
  return a.event == b.event && a.reason == b.reason && a.version == b.version && a.board == b.board &&
         a.image == b.image && a.pins == b.pins && a.revocations == b.revocations;
}

std::string hex(const Bytes& bytes) {
  std::string text(hex_size(bytes.size()), '\0');
  const auto size = hex_encode(bytes, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return size ? text : std::string();
}

std::string resource_of(const std::string& ns, const Bytes& bundle) {
  return "namespaces/" + ns + "/firmwareCampaigns/" + hex(bundle);
}

std::string target_of(const Campaign& campaign) {
  if (campaign.policy) return "policy " + campaign.policy_name;
  return std::to_string(campaign.devices.size()) + " devices";
}

Outcome<Uuid> namespace_in(Database& db, const std::string& ns) {
  LATCHKEY_TRY(found, store::find_namespace(db, ns));
  if (!found) return refuse(Reason::kParentNotFound, "there is no namespace '" + ns.substr(0, 64) + "'");
  return found->uuid;
}

Outcome<std::optional<Campaign>> find_in(Database& db, const Uuid& ns, const Bytes& bundle) {
  static const std::string sql = kSelect + "WHERE namespace = $1 AND bundle = $2";
  return db.query(sql, ns, bundle).first(read_campaign);
}

Outcome<Campaign> must_find(Database& db, const std::string& ns, const Bytes& bundle) {
  LATCHKEY_TRY(space, namespace_in(db, ns));
  LATCHKEY_TRY(found, find_in(db, space, bundle));
  if (!found) return refuse(Reason::kNotFound, "there is no campaign '" + hex(bundle) + "'");
  return std::move(*found);
}

// One that can still be changed.
Outcome<Campaign> must_find_active(Database& db, const std::string& ns, const Bytes& bundle) {
  LATCHKEY_TRY(campaign, must_find(db, ns, bundle));
  if (campaign.state == CampaignState::kActive) return campaign;
  return refuse(Reason::kPreconditionFailed, "the campaign was withdrawn; publish the bundle again to begin anew");
}

Outcome<Nothing> insert(Database& db, const Campaign& one) {
  return db
      .query(
          "INSERT INTO firmware_campaigns (namespace, bundle, number, size, board, version, image, policy, "
          "policy_name, devices, percent, state, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
          "$10, $11, $12, $13, $14)",
          one.namespace_uuid, one.bundle, one.number, one.size, one.board, one.version, one.image, one.policy,
          one.policy_name, joined(one.devices), one.percent, one.state, one.created, one.updated)
      .run();
}

Outcome<Nothing> update(Database& db, const Campaign& one) {
  return db
      .query(
          "UPDATE firmware_campaigns SET percent = $1, state = $2, updated = $3 WHERE namespace = $4 AND "
          "bundle = $5",
          one.percent, one.state, one.updated, one.namespace_uuid, one.bundle)
      .run();
}

Outcome<Nothing> check_percent(std::int64_t percent) {
  if (percent >= 1 && percent <= 100) return Nothing{};
  return refuse(Reason::kInvalidArgument, "a percentage is a whole number from 1 to 100");
}

// Whom it is for, from names to what they stand for.
Outcome<Nothing> aim(Database& db, const NewCampaign& wanted, Campaign& campaign) {
  if (wanted.policy.empty() == wanted.devices.empty()) {
    return refuse(Reason::kInvalidArgument, "a campaign is for a policy or for devices, and not for both");
  }
  if (!wanted.policy.empty()) {
    LATCHKEY_TRY(policy, store::find_policy(db, campaign.namespace_uuid, wanted.policy));
    if (!policy) return refuse(Reason::kNotFound, "there is no policy '" + wanted.policy.substr(0, 64) + "'");
    campaign.policy = policy->uuid;
    campaign.policy_name = policy->name;
    return Nothing{};
  }
  if (wanted.devices.size() > Campaign::kDevicesMax) {
    return refuse(Reason::kInvalidArgument, "a campaign names 1000 devices at most; take a policy for more");
  }
  for (const auto& id : wanted.devices) {
    LATCHKEY_TRY(device, store::find_device(db, campaign.namespace_uuid, id));
    if (!device) return refuse(Reason::kNotFound, "there is no device '" + id.substr(0, 128) + "'");
  }
  campaign.devices = wanted.devices;
  std::sort(campaign.devices.begin(), campaign.devices.end());
  const auto same_twice = std::unique(campaign.devices.begin(), campaign.devices.end());
  campaign.devices.erase(same_twice, campaign.devices.end());
  return Nothing{};
}

Outcome<std::int64_t> number(Database& db, const char* sql) {
  LATCHKEY_TRY(found, db.query(sql).first([](const Query& row) { return row.integer(0); }));
  return found.value_or(0);
}

Outcome<Nothing> make_room(Database& db, const Campaign& fresh) {
  LATCHKEY_TRY(before, find_in(db, fresh.namespace_uuid, fresh.bundle));
  if (before && before->state == CampaignState::kActive) {
    return refuse(Reason::kAlreadyExists, "this bundle is published already: raise its percentage, or withdraw it");
  }
  LATCHKEY_TRY(active, db.query("SELECT COUNT(*) FROM firmware_campaigns WHERE state = 1 AND namespace = $1",
                                fresh.namespace_uuid)
                           .first([](const Query& row) { return row.integer(0); }));
  if (active.value_or(0) >= static_cast<std::int64_t>(CampaignRows::kActiveMax)) {
    return refuse(Reason::kPreconditionFailed, "100 campaigns are active: withdraw one first");
  }
  return db
      .query("DELETE FROM firmware_campaigns WHERE namespace = $1 AND bundle = $2", fresh.namespace_uuid, fresh.bundle)
      .run();
}

Outcome<Nothing> put_last(Database& db, const Uuid& device, const Report& one) {
  return db
      .query(
          "INSERT INTO firmware_devices (device, report, reason, version, board, image, pins, revocations, at) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (device) DO UPDATE SET report = $2, "
          "reason = $3, version = $4, board = $5, image = $6, pins = $7, revocations = $8, at = $9",
          device, one.event, one.reason, one.version, one.board, one.image, one.pins, one.revocations, one.at)
      .run();
}

// Of a bundle that no campaign of the namespace has: nothing.
Outcome<Nothing> put_progress(Database& db, const Device& device, const Report& one, const Bytes& bundle) {
  LATCHKEY_TRY(campaign, find_in(db, device.namespace_uuid, bundle));
  if (!campaign) return Nothing{};
  return db
      .query(
          "INSERT INTO firmware_progress (namespace, bundle, device, report, reason, version, board, image, pins, "
          "revocations, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (namespace, bundle, "
          "device) DO UPDATE SET report = $4, reason = $5, version = $6, board = $7, image = $8, pins = $9, "
          "revocations = $10, at = $11",
          device.namespace_uuid, bundle, device.uuid, one.event, one.reason, one.version, one.board, one.image,
          one.pins, one.revocations, one.at)
      .run();
}

Outcome<std::optional<Report>> last_in(Database& db, const Uuid& device) {
  static const std::string sql = "SELECT " + kReportColumns + " FROM firmware_devices WHERE device = $1";
  return db.query(sql, device).first([](const Query& row) { return read_report(row, 0); });
}

Outcome<std::optional<Report>> last_in(Database& db, const Uuid& device, const Uuid& ns, const Bytes& bundle) {
  static const std::string sql =
      "SELECT " + kReportColumns + " FROM firmware_progress WHERE namespace = $1 AND bundle = $2 AND device = $3";
  return db.query(sql, ns, bundle, device).first([](const Query& row) { return read_report(row, 0); });
}

// Devices that the campaign is for, one after the other.
template <class Visit>
Outcome<Nothing> each_target(Database& db, const Campaign& campaign, Visit visit) {
  if (campaign.policy) {
    return db
        .query("SELECT id FROM devices WHERE namespace = $1 AND policy = $2", campaign.namespace_uuid, *campaign.policy)
        .each([&](const Query& row) { visit(row.text(0)); });
  }
  for (const auto& id : campaign.devices) {
    LATCHKEY_TRY(device, store::find_device(db, campaign.namespace_uuid, id));
    if (device) visit(id);
  }
  return Nothing{};
}

}  // namespace

Outcome<Campaign> CampaignRows::publish(const Call& call, const std::string& ns, const NewCampaign& wanted) {
  return rows_.attempted<Campaign>(call, "firmware.publish", resource_of(ns, wanted.bundle),
                                   [&](RowAct& act) -> Outcome<Campaign> {
                                     if (wanted.bundle.size() != Campaign::kIdSize) {
                                       return refuse(Reason::kInvalidArgument, "a campaign's id is a SHA-256");
                                     }
                                     LATCHKEY_TRY_VOID(check_percent(wanted.percent));
                                     Campaign campaign;
                                     LATCHKEY_TRY(space, namespace_in(act.db, ns));
                                     campaign.namespace_uuid = space;
                                     campaign.bundle = wanted.bundle;
                                     campaign.size = wanted.size;
                                     campaign.board = wanted.board;
                                     campaign.version = wanted.version;
                                     campaign.image = wanted.image;
                                     campaign.percent = static_cast<int>(wanted.percent);
                                     campaign.created = campaign.updated = act.now();
                                     LATCHKEY_TRY_VOID(aim(act.db, wanted, campaign));
                                     LATCHKEY_TRY_VOID(make_room(act.db, campaign));
                                     LATCHKEY_TRY(newest, number(act.db, "SELECT MAX(number) FROM firmware_campaigns"));
                                     campaign.number = static_cast<std::uint64_t>(newest) + 1;
                                     LATCHKEY_TRY_VOID(insert(act.db, campaign));
                                     LATCHKEY_TRY_VOID(put_bundle(act.db, campaign.bundle, wanted.content));
                                     act.note = campaign.board + " " + campaign.version + " for " + target_of(campaign);
                                     act.changed("percent", "", std::to_string(campaign.percent));
                                     return campaign;
                                   });
}

Outcome<Campaign> CampaignRows::raise(const Call& call, const std::string& ns, const Bytes& bundle,
                                      std::int64_t percent) {
  return rows_.attempted<Campaign>(
      call, "firmware.raise", resource_of(ns, bundle), [&](RowAct& act) -> Outcome<Campaign> {
        LATCHKEY_TRY_VOID(check_percent(percent));
        LATCHKEY_TRY(campaign, must_find_active(act.db, ns, bundle));
        if (percent <= campaign.percent) {
          return refuse(Reason::kInvalidArgument, "a percentage only rises, and it is " +
                                                      std::to_string(campaign.percent) +
                                                      "; withdraw the campaign to stop it");
        }
        act.changed("percent", std::to_string(campaign.percent), std::to_string(percent));
        campaign.percent = static_cast<int>(percent);
        campaign.updated = act.now();
        LATCHKEY_TRY_VOID(update(act.db, campaign));
        return campaign;
      });
}

Outcome<Campaign> CampaignRows::withdraw(const Call& call, const std::string& ns, const Bytes& bundle) {
  return rows_.attempted<Campaign>(call, "firmware.withdraw", resource_of(ns, bundle),
                                   [&](RowAct& act) -> Outcome<Campaign> {
                                     LATCHKEY_TRY(campaign, must_find_active(act.db, ns, bundle));
                                     campaign.state = CampaignState::kWithdrawn;
                                     campaign.updated = act.now();
                                     act.changed("state", "active", "withdrawn");
                                     LATCHKEY_TRY_VOID(update(act.db, campaign));
                                     LATCHKEY_TRY_VOID(drop_unused_bundles(act.db));
                                     return campaign;
                                   });
}

Outcome<std::vector<Campaign>> CampaignRows::list(const std::string& ns) {
  return rows_.looked<std::vector<Campaign>>([&](Database& db) -> Outcome<std::vector<Campaign>> {
    LATCHKEY_TRY(space, namespace_in(db, ns));
    static const std::string sql = kSelect + "WHERE namespace = $1 ORDER BY number DESC";
    return db.query(sql, space).all(read_campaign);
  });
}

Outcome<Campaign> CampaignRows::find(const std::string& ns, const Bytes& bundle) {
  return rows_.looked<Campaign>([&](Database& db) { return must_find(db, ns, bundle); });
}

Outcome<std::vector<Campaign>> CampaignRows::active(const Uuid& ns) {
  return rows_.looked<std::vector<Campaign>>([&](Database& db) {
    // The literal lets the partial index serve.
    static const std::string sql = kSelect + "WHERE state = 1 AND namespace = $1 ORDER BY number DESC";
    return db.query(sql, ns).all(read_campaign);
  });
}

Outcome<std::optional<Campaign>> CampaignRows::find(const Uuid& ns, const Bytes& bundle) {
  return rows_.looked<std::optional<Campaign>>([&](Database& db) { return find_in(db, ns, bundle); });
}

Outcome<std::uint64_t> CampaignRows::number_of_image(const Uuid& ns, const Bytes& image) {
  return rows_.looked<std::uint64_t>([&](Database& db) -> Outcome<std::uint64_t> {
    LATCHKEY_TRY(newest,
                 db.query("SELECT MAX(number) FROM firmware_campaigns WHERE namespace = $1 AND image = $2", ns, image)
                     .first([](const Query& row) { return row.integer(0); }));
    return static_cast<std::uint64_t>(newest.value_or(0));
  });
}

Outcome<std::vector<Standing>> CampaignRows::standing() {
  return rows_.looked<std::vector<Standing>>([](Database& db) {
    return db
        .query(
            "SELECT n.name, c.bundle, c.number, c.created, c.percent FROM firmware_campaigns c JOIN namespaces n ON "
            "n.uuid = "
            "c.namespace WHERE c.state = 1 ORDER BY c.number")
        .all([](const Query& row) {
          return Standing{row.text(0), row.bytes(1), static_cast<std::uint64_t>(row.integer(2)), row.integer(3),
                          static_cast<int>(row.integer(4))};
        });
  });
}

Outcome<std::vector<Bytes>> CampaignRows::bundles_in_use() {
  return rows_.looked<std::vector<Bytes>>([](Database& db) {
    return db.query("SELECT DISTINCT bundle FROM firmware_campaigns WHERE state = 1").all([](const Query& row) {
      return row.bytes(0);
    });
  });
}

// A device that says the same again, as at each connect, costs no write.
Outcome<Nothing> CampaignRows::note(const Device& device, const Report& report, const Bytes& bundle) {
  LATCHKEY_TRY(known, rows_.looked<bool>([&](Database& db) -> Outcome<bool> {
    LATCHKEY_TRY(last, last_in(db, device.uuid));
    if (!last || !same(*last, report)) return false;
    if (bundle.empty()) return true;
    LATCHKEY_TRY(progress, last_in(db, device.uuid, device.namespace_uuid, bundle));
    return progress && same(*progress, report);
  }));
  if (known) return Nothing{};
  return rows_.keep_rows([&](Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY(there, store::find_device_by_uuid(db, device.uuid));
    if (!there) return Nothing{};  // deleted meanwhile
    LATCHKEY_TRY_VOID(put_last(db, device.uuid, report));
    return bundle.empty() ? Nothing{} : put_progress(db, device, report, bundle);
  });
}

Outcome<std::optional<Report>> CampaignRows::last_of(const Uuid& device) {
  return rows_.looked<std::optional<Report>>([&](Database& db) { return last_in(db, device); });
}

Outcome<std::optional<Report>> CampaignRows::last_of(const Uuid& device, const Campaign& campaign) {
  return rows_.looked<std::optional<Report>>(
      [&](Database& db) { return last_in(db, device, campaign.namespace_uuid, campaign.bundle); });
}

Outcome<std::vector<Bytes>> CampaignRows::withdrawn_under_way(const Uuid& device) {
  return rows_.looked<std::vector<Bytes>>([&](Database& db) {
    return db
        .query(
            "SELECT p.bundle FROM firmware_progress p JOIN firmware_campaigns c ON c.namespace = p.namespace AND "
            "c.bundle = p.bundle WHERE p.device = $1 AND c.state = $2 AND (p.report = $3 OR p.report = $4)",
            device, CampaignState::kWithdrawn, Event::kFetching, Event::kReady)
        .all([](const Query& row) { return row.bytes(0); });
  });
}

Outcome<std::vector<Progress>> CampaignRows::progress(const Campaign& campaign, const std::string& after,
                                                      std::size_t limit) {
  return rows_.looked<std::vector<Progress>>([&](Database& db) {
    return db
        .query(
            "SELECT p.report, p.reason, p.version, p.board, p.image, p.pins, p.revocations, p.at, d.id, f.image "
            "FROM firmware_progress p JOIN devices d ON d.uuid = p.device LEFT JOIN firmware_devices f ON "
            "f.device = p.device WHERE p.namespace = $1 AND p.bundle = $2 AND d.id > $3 ORDER BY d.id LIMIT $4",
            campaign.namespace_uuid, campaign.bundle, after, limit)
        .all([&](const Query& row) {
          return Progress{row.text(kReportWidth), read_report(row, 0), row.bytes(kReportWidth + 1) == campaign.image};
        });
  });
}

Outcome<Tally> CampaignRows::tally(const Campaign& campaign) {
  return rows_.looked<Tally>([&](Database& db) -> Outcome<Tally> {
    Tally tally;
    LATCHKEY_TRY_VOID(each_target(db, campaign, [&](const std::string& id) {
      ++tally.targeted;
      if (place_in(campaign, id) < campaign.percent) ++tally.reached;
    }));
    LATCHKEY_TRY(running, db.query("SELECT COUNT(*) FROM firmware_progress p JOIN firmware_devices f ON "
                                   "f.device = p.device WHERE p.namespace = $1 AND p.bundle = $2 AND f.image = $3",
                                   campaign.namespace_uuid, campaign.bundle, campaign.image)
                              .first([](const Query& row) { return row.integer(0); }));
    tally.running = static_cast<std::uint64_t>(running.value_or(0));
    LATCHKEY_TRY_VOID(db.query("SELECT report, COUNT(*) FROM firmware_progress WHERE namespace = $1 AND bundle = $2 "
                               "GROUP BY report ORDER BY report",
                               campaign.namespace_uuid, campaign.bundle)
                          .each([&](const Query& row) {
                            tally.last.emplace_back(row.value<Event>(0), static_cast<std::uint64_t>(row.integer(1)));
                          }));
    return tally;
  });
}

}  // namespace latchkey::registry::firmware

// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/scenario/scenario.h"

#include <algorithm>

#include "boards/fleet/scenario/internal/parts.h"
#include "hub/text/strict_json.h"

namespace latchkey::boards::fleet::scenario {

using nlohmann::json;

namespace {

constexpr std::uint64_t kMostSeed = std::uint64_t{1} << 53;  // what every JSON reader keeps exact (RFC 8259 section 6)
constexpr std::uint32_t kMostBytes = 65'536;
constexpr TimeUs kSecond = 1'000'000;

// Calls `read` with a reader of that member, if it is there, and sees to it that nothing in it is left over.
template <class Read>
void inside(Members& root, const std::string& name, std::vector<Fault>& faults, Read read) {
  const json* object = root.object(name);
  if (object == nullptr) return;
  Members members(*object, root.pointer(name), faults);
  read(members);
  members.finish();
}
template <class Read>
void inside_each(Members& root, const std::string& name, std::size_t most, std::vector<Fault>& faults, Read read) {
  std::size_t index = 0;
  for (const json* object : root.objects(name, most)) {
    const auto pointer = root.pointer(name, index++);
    if (object == nullptr) continue;
    Members members(*object, pointer, faults);
    read(members);
    members.finish();
  }
}

void read_head(Members& root, Scenario& scenario) {
  for (const char* name : {"name", "title", "durationSeconds"}) root.require(name);
  root.text("$schema", 1000);
  scenario.name = root.text("name", 64).value_or("");
  const auto odd = [](char c) { return !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-'; };
  if (std::any_of(scenario.name.begin(), scenario.name.end(), odd)) {
    root.fault("name", "may have lower-case letters, digits and '-' alone");
  }
  scenario.title = root.text("title", 200).value_or("");
  scenario.about = root.text("about", 2000).value_or("");
  scenario.devices = static_cast<std::uint32_t>(root.whole("devices", 1, kMostDevices).value_or(scenario.devices));
  scenario.seed = root.whole("seed", 0, kMostSeed).value_or(scenario.seed);
  // A duration that is refused does not make every other time wrong.
  scenario.duration = root.seconds("durationSeconds", kSecond).value_or(kLongestRun);
  scenario.ends_when_all_back = root.word("endWhen", {"time-up", "all-back"}).value_or(0) == 1;
  scenario.linger = root.seconds("lingerSeconds").value_or(0);
  if (root.has("lingerSeconds") && !scenario.ends_when_all_back) {
    root.fault("lingerSeconds", "needs \"endWhen\": \"all-back\"");
  }
}

void read_misfortunes(Members& root, Scenario& scenario, std::vector<Fault>& faults) {
  inside(root, "clockSkew", faults, [&](Members& skew) {
    skew.require("share");
    skew.require("mostSeconds");
    scenario.skew.share = skew.share("share").value_or(0);
    scenario.skew.most = skew.seconds("mostSeconds", 0, TimeUs{10} * 365 * 86'400 * kSecond).value_or(0);
  });
  inside(root, "crashBeforeCertificate", faults, [&](Members& crash) {
    crash.require("share");
    scenario.crash_share = crash.share("share").value_or(0);
  });
  inside(root, "credentialLost", faults, [&](Members& lost) {
    lost.require("share");
    scenario.credential_lost_share = lost.share("share").value_or(0);
    scenario.credential_lost_at = lost.seconds("atSeconds").value_or(0);
    if (scenario.credential_lost_at > scenario.duration) lost.fault("atSeconds", std::string(kAfterTheEnd));
  });
}

void read_generations(Members& root, Scenario& scenario, std::vector<Fault>& faults) {
  double sum = 0;
  inside_each(root, "earlierGenerations", 4, faults, [&](Members& earlier) {
    earlier.require("generation");
    earlier.require("share");
    EarlierGeneration one;
    one.generation = static_cast<std::uint32_t>(earlier.whole("generation", 2, 5).value_or(2));
    one.share = earlier.share("share").value_or(0);
    sum += one.share;
    const auto same = [&](const EarlierGeneration& other) { return other.generation == one.generation; };
    if (std::any_of(scenario.generations.begin(), scenario.generations.end(), same)) {
      earlier.fault("generation", "is given twice");
    }
    scenario.generations.push_back(one);
  });
  if (sum > 1) root.fault("earlierGenerations", "the shares are more than 1 together");
}

void read_telemetry(Members& telemetry, Scenario& scenario) {
  telemetry.require("everySeconds");
  scenario.telemetry.every = telemetry.seconds("everySeconds", 0, scenario.duration).value_or(0);
  if (scenario.telemetry.every > 0 && scenario.telemetry.every < kSecond / 10) {
    telemetry.fault("everySeconds", "must be 0 (none) or at least 0.1");
  }
  scenario.telemetry.bytes =
      static_cast<std::uint32_t>(telemetry.whole("bytes", 1, kMostBytes).value_or(scenario.telemetry.bytes));
}

tl::expected<json, std::vector<Fault>> parse(std::string_view document, const Changes& changes) {
  auto parsed = hub::text::parse_strict(document);
  if (!parsed) return tl::unexpected(std::vector<Fault>{{"", parsed.error()}});
  if (!parsed->is_object()) return tl::unexpected(std::vector<Fault>{{"", "must be a JSON object"}});
  if (changes.devices) (*parsed)["devices"] = *changes.devices;
  if (changes.seed) (*parsed)["seed"] = *changes.seed;
  if (changes.duration) (*parsed)["durationSeconds"] = static_cast<double>(*changes.duration) / 1e6;
  return std::move(*parsed);
}

}  // namespace

tl::expected<Scenario, std::vector<Fault>> read_scenario(std::string_view document) {
  return read_scenario(document, Changes{});
}

tl::expected<Scenario, std::vector<Fault>> read_scenario(std::string_view document, const Changes& changes) {
  const auto parsed = parse(document, changes);
  if (!parsed) return tl::unexpected(parsed.error());
  std::vector<Fault> faults;
  Scenario scenario;
  scenario.document = parsed->dump();
  Members root(*parsed, "", faults);
  read_head(root, scenario);
  inside(root, "arrival", faults, [&](Members& members) { read_arrival(members, scenario); });
  inside(root, "telemetry", faults, [&](Members& members) { read_telemetry(members, scenario); });
  inside(root, "sleep", faults, [&](Members& members) { read_sleep(members, scenario); });
  inside(root, "shelf", faults, [&](Members& members) { read_shelf(members, scenario); });
  read_misfortunes(root, scenario, faults);
  read_generations(root, scenario, faults);
  inside_each(root, "networkCuts", kMostCuts, faults, [&](Members& members) { read_cut(members, scenario); });
  if (scenario.cuts.size() > kMostCuts) root.fault("networkCuts", "are more than 1000 with their repetitions");
  std::stable_sort(scenario.cuts.begin(), scenario.cuts.end(),
                   [](const NetworkCut& a, const NetworkCut& b) { return a.from < b.from; });
  inside_each(root, "acts", kMostActs, faults, [&](Members& members) { read_act(members, scenario, faults); });
  root.finish();
  if (faults.empty()) return scenario;
  std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.pointer < b.pointer; });
  return tl::unexpected(std::move(faults));
}

bool Scenario::needs_rehearsal() const {
  return std::any_of(acts.begin(), acts.end(), [](const Act& act) {
    return act.kind == ActKind::kSetFaults || act.kind == ActKind::kClearFaults || act.kind == ActKind::kAdvanceClock;
  });
}

std::string to_text(const std::vector<Fault>& faults) {
  std::string result;
  for (const auto& fault : faults) {
    if (!result.empty()) result += '\n';
    result += fault.pointer.empty() ? "the document: " + fault.rule : fault.pointer + ": " + fault.rule;
  }
  return result;
}

}  // namespace latchkey::boards::fleet::scenario

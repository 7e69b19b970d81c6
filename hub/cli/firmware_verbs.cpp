// SPDX-License-Identifier: Apache-2.0
// Campaigns of firmware, and what devices are told about whose they may run.
#include "hub/cli/internal/firmware_verbs.h"

#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

#include "hub/cli/internal/private_file.h"
#include "platform/base/bytes.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

constexpr std::size_t kBundleMax = std::size_t{11} * 1024 * 1024;
constexpr std::size_t kIdSize = 64;

const Columns kListColumns = {{"ID", "/name"},
                              {"BOARD", "/properties/board"},
                              {"VERSION", "/properties/version"},
                              {"POLICY", "/properties/policy"},
                              {"PERCENT", "/properties/percent"},
                              {"STATE", "/properties/state"},
                              {"PUBLISHED (UTC)", "/systemData/createdAt", As::kTime}};
const Columns kStatusColumns = {{"ID", "/name"},
                                {"BOARD", "/properties/board"},
                                {"VERSION", "/properties/version"},
                                {"SIZE", "/properties/size"},
                                {"POLICY", "/properties/policy"},
                                {"PERCENT", "/properties/percent"},
                                {"STATE", "/properties/state"},
                                {"PUBLISHED (UTC)", "/systemData/createdAt", As::kTime},
                                {"DEVICES", "/properties/progress/targeted"},
                                {"REACHED", "/properties/progress/reached"},
                                {"RUNNING", "/properties/progress/running"}};
const Columns kDeviceColumns = {{"DEVICE", "/name"},  {"LAST REPORT", "/report"}, {"REASON", "/reason"},
                                {"RUNS IT", "/runs"}, {"VERSION", "/version"},    {"AT (UTC)", "/at", As::kTime}};

std::string campaigns_path(const Args& args) { return namespace_path(args) + "/firmwareCampaigns"; }

std::string text_of(ByteView bytes, Result<std::size_t> (*encode)(ByteView, MutableBytes), std::size_t size) {
  std::string text(size, '\0');
  const auto written = encode(bytes, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return written ? text : std::string();
}

Result<std::string, Failure> read_bundle(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Failure{kExitBadInput, "cannot read " + file});
  std::string bytes;
  std::array<char, 65'536> block{};
  while (in.read(block.data(), block.size()) || in.gcount() > 0) {
    bytes.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > kBundleMax) return fail(Failure{kExitBadInput, file + " is larger than 11 MiB"});
  }
  return bytes;
}

// "a,b" and several such options: one list.
std::vector<std::string> names_in(const std::vector<std::string>& typed) {
  std::vector<std::string> names;
  for (const auto& one : typed) {
    for (std::size_t from = 0; from <= one.size();) {
      const auto end = std::min(one.find(',', from), one.size());
      if (end > from) names.push_back(one.substr(from, end - from));
      from = end + 1;
    }
  }
  return names;
}

// The campaign's path. What is typed may be the beginning of its id, as long as there is one such campaign.
Result<std::string, Failure> campaign_path(Session& session, const Args& args) {
  const auto& typed = args.text("id");
  if (typed.size() >= kIdSize) return campaigns_path(args) + "/" + percent_encode(typed);
  const auto all = call(session.api(), "GET", campaigns_path(args), {});
  if (!all) return tl::unexpected<Failure>(all.error());
  std::string found;
  for (const auto& one : all->value("value", json::array())) {
    const auto name = one.value("name", "");
    if (name.rfind(typed, 0) != 0) continue;
    if (!found.empty()) return fail(Failure{kExitBadInput, "several campaigns begin with '" + typed + "'"});
    found = name;
  }
  if (found.empty()) return fail(Failure{kExitNotFound, "there is no campaign '" + typed + "'"});
  return campaigns_path(args) + "/" + found;
}

int publish(Session& session, const Args& args) {
  const auto bundle = read_bundle(args.text("bundle-file"));
  if (!bundle) return session.failed(bundle.error());
  const ByteView bytes(*bundle);
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  json properties = {{"bundle", text_of(bytes, base64_encode, base64_size(bytes.size()))}};
  if (args.has("policy")) properties["policy"] = args.text("policy");
  if (args.has("devices")) properties["devices"] = names_in(args.texts("devices"));
  if (args.has("percent")) properties["percent"] = args.count("percent");
  const auto id = text_of(ByteView(digest), hex_encode, kIdSize);
  return session.act("PUT", campaigns_path(args) + "/" + id, {{"properties", std::move(properties)}}, kListColumns);
}

int show_one(Session& session, const Args& args) {
  const auto path = campaign_path(session, args);
  if (!path) return session.failed(path.error());
  auto campaign = call(session.api(), "GET", *path, {});
  if (!campaign) return session.failed(campaign.error());
  json devices = json::array();
  for (std::string next = *path + "/devices"; !next.empty();) {
    const auto page = call(session.api(), "GET", next, {});
    if (!page) return session.failed(page.error());
    for (const auto& device : page->value("value", json::array())) devices.push_back(device);
    next = page->value("nextLink", "");
  }
  if (session.json_wanted()) {
    (*campaign)["devices"] = std::move(devices);
    session.print_json(*campaign);
    return 0;
  }
  print_card(session.terminal().out, *campaign, kStatusColumns);
  session.terminal().out << '\n';
  print_table(session.terminal().out, devices, kDeviceColumns);
  return 0;
}

int status(Session& session, const Args& args) {
  if (args.has("id")) return show_one(session, args);
  return session.list(campaigns_path(args), kListColumns);
}

int raise(Session& session, const Args& args) {
  const auto path = campaign_path(session, args);
  if (!path) return session.failed(path.error());
  return session.act("PATCH", *path, {{"properties", {{"percent", args.count("percent")}}}}, kListColumns);
}

int withdraw(Session& session, const Args& args) {
  const auto path = campaign_path(session, args);
  if (!path) return session.failed(path.error());
  return session.act("POST", *path + "/withdraw", json::object(), kListColumns);
}

// Objects are shown without the rest.
int show_pins(Session& session) {
  const auto statements = call(session.api(), "GET", "/firmwareStatements", {});
  if (!statements) return session.failed(statements.error());
  if (session.json_wanted()) {
    session.print_json(*statements);
    return 0;
  }
  const auto pins = statements->value("pins", json::object());
  print_card(session.terminal().out, *statements,
             {{"PINS VERSION", "/pins/version"},
              {"MADE (UTC)", "/pins/madeAt", As::kTime},
              {"REVOCATIONS VERSION", "/revocations/version"},
              {"MADE (UTC)", "/revocations/madeAt", As::kTime}});
  for (const auto& eku : pins.value("durableEkus", json::array())) {
    session.terminal().out << "  " << eku.get<std::string>() << '\n';
  }
  return 0;
}

int pin(Session& session, const Args& args) {
  const auto ekus = args.texts("eku");
  if (ekus.empty() || (ekus.size() == 1 && ekus.front() == "show")) return show_pins(session);
  return session.act("PUT", "/firmwareStatements/pins", {{"durableEkus", ekus}},
                     {{"VERSION", "/version"}, {"MADE (UTC)", "/madeAt", As::kTime}});
}

int statement_key(Session& session, const Args& args) {
  const auto answer = call(session.api(), "GET", "/firmwareStatements/key", {});
  if (!answer) return session.failed(answer.error());
  if (!args.has("out")) {
    if (session.json_wanted()) {
      session.print_json(*answer);
    } else {
      session.terminal().out << answer->value("publicKey", "");
    }
    return 0;
  }
  const auto file = create_private_file(args.text("out"));
  if (!file) return session.failed(file.error());
  const bool written = write_all(*file, answer->value("publicKey", ""));
  close(*file);
  if (!written) return session.failed({kExitOurFault, "cannot write " + args.text("out")});
  if (!session.json_wanted()) session.terminal().out << "wrote the statement key to " << args.text("out") << '\n';
  return 0;
}

}  // namespace

std::vector<Verb> firmware_verbs() {
  const Option bundle = {
      "--bundle-file,bundle", "the bundle; --bundle-file need not be typed", Takes::kText, true, {}, {}};
  const Option policy = {"--policy", "for the devices of this policy", Takes::kText, false, {}, {}};
  const Option devices = {
      "--devices", "or for these, by id: several with commas, or several such options", Takes::kTexts, false, {}, {}};
  const Option percent = {"--percent", "of them, 1 to 100; 100 when it is not given", Takes::kCount};
  const Option more = {"--percent", "of them from now on: more than before", Takes::kCount, true, {}, {}};
  const std::string which = "the campaign: its id, or how it begins; --id need not be typed";
  const Option id = {"--id,campaign", which, Takes::kText, true, {}, {}};
  const Option one = {"--id,campaign", which + "; all when it is not given", Takes::kText, false, {}, {}};
  const Option eku = {"--eku,ekus",
                      "a durable EKU, up to four; --eku need not be typed. None, or 'show': what is pinned",
                      Takes::kTexts,
                      false,
                      {},
                      {}};
  const Option out = {"--out", "a new file for it; printed when it is not given", Takes::kText, false, {}, {}};
  const std::string noun = "firmware";
  return {
      {noun,
       "publish",
       {},
       "Begin a campaign: offer a bundle to devices, all or so many in a hundred of them",
       {bundle, policy, devices, percent, namespace_option()},
       publish},
      {noun, "status", {}, "List campaigns, or show how far one has come", {one, namespace_option()}, status},
      {noun, "raise", {}, "Offer a campaign's bundle to more of its devices", {id, more, namespace_option()}, raise},
      {noun,
       "withdraw",
       {},
       "End a campaign: who has not begun to run it gives it up",
       {id, namespace_option()},
       withdraw},
      {noun, "pin", {}, "Say whose firmware devices may run, by a new statement to all of them", {eku}, pin},
      {noun,
       "statement-key",
       {},
       "Show the key (its public half, PEM) that devices are given to know statements by",
       {out},
       statement_key},
  };
}

}  // namespace latchkey::hub::cli

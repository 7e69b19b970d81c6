// SPDX-License-Identifier: Apache-2.0
#include "hub/app/verbs/verify_verb.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "hub/cli/client.h"
#include "hub/signing/verification/trust_store.h"
#include "hub/text/json.h"
#include "platform/files/file.h"

namespace latchkey::hub::app {
namespace {

constexpr std::size_t kFileMax = (std::size_t{1} << 30) + (std::size_t{1} << 20);

struct Arguments {
  std::string file;
  std::string signature;
  std::vector<std::string> roots;
  std::vector<std::string> timestamp_roots;
  std::vector<std::string> lists;
  std::string profile;
  std::string at;
  bool accept_unknown = false;
  std::string output = "table";
};

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("file", arguments.file, "the signed file: any with --signature, else a PE file or a firmware bundle")
      ->required();
  app.add_option("--signature", arguments.signature, "its detached signature (.p7s)");
  // One value each time it is given, so that none of them takes the file for its own.
  app.add_option("--ca-file", arguments.roots, "roots of signing certificates, PEM or DER; repeatable")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--tsa-ca-file", arguments.timestamp_roots, "roots of timestamping authorities; repeatable")
      ->allow_extra_args(false);
  app.add_option("--crl-file", arguments.lists, "revocation lists, PEM or DER; repeatable")->allow_extra_args(false);
  app.add_option("--eku", arguments.profile, "the durable EKU of the profile that must have signed it");
  app.add_option("--at", arguments.at, "judge as of this moment, 2026-01-01T10:00:00Z; now when not given");
  app.add_flag("--accept-unknown-revocation", arguments.accept_unknown,
               "take a certificate that no revocation list in force speaks of for good");
  app.add_option("-o,--output", arguments.output, "table or json")->check(CLI::IsMember({"table", "json"}));
}

int complain(const std::string& words, int exit_status) {
  std::cerr << "latchkey: " << words << std::endl;
  return exit_status;
}

// To the millisecond, as timestamps are: what was just stamped does not lie in the future.
UnixMs real_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// "2026-01-01T10:00:00Z" and nothing else.
std::optional<UnixMs> parse_moment(const std::string& words) {
  std::tm parts{};
  int end = 0;
  const int read = std::sscanf(words.c_str(), "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &parts.tm_year, &parts.tm_mon,
                               &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &end);
  if (read != 6 || end != 20 || words.size() != 20) return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const std::tm given = parts;
  const std::time_t at = ::timegm(&parts);
  const bool is_one = given.tm_mon == parts.tm_mon && given.tm_mday == parts.tm_mday &&
                      given.tm_hour == parts.tm_hour && given.tm_min == parts.tm_min && given.tm_sec == parts.tm_sec;
  return is_one && at >= 0 ? std::optional(static_cast<UnixMs>(at) * 1000) : std::nullopt;
}

// Reads all of `paths` into the store by `add`; the first complaint ends it.
template <class Add>
std::optional<std::string> read_into(const std::vector<std::string>& paths, Add add) {
  for (const std::string& path : paths) {
    const auto content = files::read_file(path, signing::RevocationLists::kListMax);
    if (!content) return "cannot read " + path + ": " + std::string(to_string(content.error()));
    if (const auto added = add(ByteView(*content)); !added) return path + ": " + added.error().detail;
  }
  return std::nullopt;
}

std::optional<std::string> fill(signing::TrustStore& store, const Arguments& arguments) {
  const auto add_roots = [&](ByteView text) { return store.add_signing_roots(text); };
  const auto add_timestamp_roots = [&](ByteView text) { return store.add_timestamp_roots(text); };
  const auto add_lists = [&](ByteView text) { return store.add_lists(text); };
  if (auto problem = read_into(arguments.roots, add_roots)) return problem;
  if (auto problem = read_into(arguments.timestamp_roots, add_timestamp_roots)) return problem;
  return read_into(arguments.lists, add_lists);
}

int verify(const Arguments& arguments) {
  signing::TrustStore store;
  if (const auto problem = fill(store, arguments)) return complain(*problem, cli::kExitBadInput);
  const auto now = arguments.at.empty() ? std::optional(real_now()) : parse_moment(arguments.at);
  if (!now) return complain("'" + arguments.at + "' is no time like 2026-01-01T10:00:00Z", cli::kExitBadInput);
  const auto file = files::read_file(arguments.file, kFileMax);
  if (!file) {
    return complain("cannot read " + arguments.file + ": " + std::string(to_string(file.error())), cli::kExitBadInput);
  }
  Result<std::vector<std::uint8_t>> signature{};
  if (!arguments.signature.empty()) {
    signature = files::read_file(arguments.signature, signing::kSignatureMax);
    if (!signature) return complain("cannot read " + arguments.signature, cli::kExitBadInput);
  }
  signing::Trust trust = store.trust();
  trust.durable_eku = arguments.profile;
  if (arguments.accept_unknown) trust.unknown = signing::UnknownRevocation::kAccept;
  const auto verdict = signing::verify_file(
      *file, arguments.signature.empty() ? std::nullopt : std::optional(ByteView(*signature)), trust, *now);
  std::cout << (arguments.output == "json"
                    ? signing::to_json(verdict).dump(2, ' ', false, text::Json::error_handler_t::replace)
                    : signing::sentence(verdict))
            << std::endl;
  return verdict.valid ? 0 : cli::kExitRefused;
}

}  // namespace

cli::LocalVerb verify_verb() {
  const auto arguments = std::make_shared<Arguments>();
  cli::LocalVerb verb;
  verb.name = "verify";
  verb.help = "Say whether a signed file is valid, since when not, and why: verify FILE [--signature FILE.p7s]";
  verb.add_options = [arguments](CLI::App& app) { declare(app, *arguments); };
  verb.run = [arguments](const std::string&) { return verify(*arguments); };
  return verb;
}

}  // namespace latchkey::hub::app

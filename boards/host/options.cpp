// SPDX-License-Identifier: Apache-2.0
#include "boards/host/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "agent/core/onboarding.h"
#include "boards/host/key_file.h"
#include "platform/base/ids.h"

namespace latchkey::boards::host {
namespace {

constexpr int kMistake = 2;

void declare_identity(CLI::App& app, Options& o) {
  app.add_option("--registration-id", o.registration_id, "Who this device is")->required();
  app.add_option("--id-scope", o.id_scope, "The provisioning service's id scope")->required();
  app.add_option("--dps", o.dps, "Provisioning endpoint, HOST[:PORT]")->required();
  app.add_option("--ca", o.ca_file, "PEM file of the CAs that certify the servers")->required();
  app.add_option("--state", o.state_folder, "Folder for keys and certificates; one agent at a time")->required();
  auto* key = app.add_option("--key-file", o.key_file, "Onboarding: file with a symmetric key in base64, mode 0600");
  app.add_flag("--group-key", o.group_key, "The key is the enrollment group's: derive the device's from it")
      ->needs(key);
  auto* certificate =
      app.add_option("--onboarding-cert", o.onboarding_certificate, "Onboarding: PEM certificate chain");
  auto* private_key = app.add_option("--onboarding-key-file", o.onboarding_key, "Onboarding: its PEM private key");
  certificate->needs(private_key)->excludes(key);
  private_key->needs(certificate);
}

void declare_behaviour(CLI::App& app, Options& o) {
  app.add_option("--clock", o.clock_file, "Clock document of a rehearsal");
  app.add_option("--status-file", o.status_file, "JSON status, replaced at every change");
  app.add_option("--key-profile", o.key_profile, "ec-p256 or ec-p384")
      ->check(CLI::IsMember({"ec-p256", "ec-p384"}))
      ->capture_default_str();
  app.add_option("--telemetry-interval-ms", o.telemetry_interval_ms, "0: none")->capture_default_str();
  app.add_option("--retry-initial-ms", o.retry_initial_ms, "First wait after a failure; doubles")
      ->check(CLI::Range(1, 3'600'000))
      ->capture_default_str();
  app.add_option("--retry-max-ms", o.retry_max_ms, "Longest wait after a failure")
      ->check(CLI::Range(1, 86'400'000))
      ->capture_default_str();
  app.add_option("--slow-retry-ms", o.slow_retry_ms, "Wait after provisioning has said no; grows to four times")
      ->check(CLI::Range(1, 86'400'000))
      ->capture_default_str();
  app.add_option("--keep-alive-s", o.keep_alive_s, "MQTT keep-alive")
      ->check(CLI::Range(5, 1177))
      ->capture_default_str();
  app.add_option("--renew-at", o.renew_at, "Renew at this fraction of the lifetime (default: random, 0.70 to 0.85)")
      ->check(CLI::Range(0.001, 1.0));
  app.add_flag("--devicebound", o.print_devicebound, "Print cloud-to-device messages to standard output");
}

void declare_firmware(CLI::App& app, Options& o) {
  auto* board = app.add_option("--firmware-board", o.firmware_board, "Take firmware updates, as a board of this name");
  const auto update_option = [&](const char* name, auto& value, const char* help) {
    return app.add_option(name, value, help)->needs(board)->group("Firmware updates");
  };
  board->group("Firmware updates");
  board->needs(update_option("--firmware-roots", o.firmware_roots, "PEM file: roots of the signing service"));
  board->needs(update_option("--firmware-timestamp-roots", o.firmware_timestamp_roots,
                             "PEM file: roots of its timestamping authority"));
  board->needs(update_option("--firmware-pins", o.firmware_pins,
                             "Durable EKUs whose firmware it runs, 1 to 4 object identifiers")
                   ->delimiter(',')
                   ->expected(1, 4));
  board->needs(update_option("--firmware-statement-key", o.firmware_statement_key,
                             "PEM file: the public key of the hub's statements"));
  update_option("--firmware-version", o.firmware_version, "Version of the image that came with the device")
      ->capture_default_str();
  update_option("--firmware-slot-size", o.firmware_slot_size, "Bytes of each of the two slots, a multiple of 4096")
      ->check(CLI::Range(std::uint64_t{4096}, std::uint64_t{1} << 30))
      ->capture_default_str();
  update_option("--firmware-trial-limit-ms", o.firmware_trial_limit_ms,
                "An image that is not connected by then is given back; 0: never")
      ->capture_default_str();
}

bool readable(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

bool read_onboarding(const Options& options, agent::Config& config, std::string& problem) {
  if (options.key_file.empty()) {
    config.onboarding = agent::Onboarding::kCertificate;
    for (const std::string& path : {options.onboarding_certificate, options.onboarding_key}) {
      if (!readable(path)) problem = "cannot read " + path;
    }
    return problem.empty();
  }
  std::vector<std::uint8_t> key = read_key_file(options.key_file, problem);
  if (key.empty()) return false;
  bool good = true;
  if (options.group_key) {
    good = agent::derive_device_key(ByteView(key), config).has_value();
    if (!good) problem = "the device key cannot be derived";
  } else {
    std::copy(key.begin(), key.end(), config.symmetric_key.begin());
    config.symmetric_key_size = key.size();
  }
  wipe(MutableBytes(key.data(), key.size()));
  return good;
}

}  // namespace

std::variant<Options, Exit> parse_options(int argc, const char* const* argv) {
  Options options;
  CLI::App app{"latchkey-agent: a device that provisions itself, connects, renews, and comes back when it is revoked"};
  app.set_config("--config", "", "File with any of these options, NAME = VALUE, without the dashes")
      ->check(CLI::ExistingFile);
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_version_flag("--version", "latchkey-agent " LATCHKEY_VERSION);
  declare_identity(app, options);
  declare_behaviour(app, options);
  declare_firmware(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Exit{0, app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Exit{0, version.what()};
  } catch (const CLI::ParseError& mistake) {
    return Exit{kMistake, mistake.what()};
  }
  if (options.key_file.empty() && options.onboarding_certificate.empty()) {
    return Exit{kMistake,
                "give the onboarding credential: --key-file, or --onboarding-cert with --onboarding-key-file"};
  }
  return options;
}

std::optional<agent::Config> make_config(const Options& options, std::string& problem) {
  problem.clear();
  agent::Config config;
  const auto dps = agent::parse_endpoint(options.dps);
  if (!valid_registration_id(options.registration_id) || options.registration_id.size() > 128) {
    problem = "--registration-id: up to 128 letters, digits, . _ - :, with a letter or digit first and last";
  } else if (options.id_scope.empty() || options.id_scope.find_first_of("/+# \t") != std::string::npos) {
    problem = "--id-scope: letters and digits, as the provisioning service shows it";
  } else if (!dps) {
    problem = "--dps: HOST or HOST:PORT is wanted";
  } else if (!readable(options.ca_file)) {
    problem = "cannot read the CA file " + options.ca_file;
  }
  if (!problem.empty()) return std::nullopt;
  config.registration_id = options.registration_id;
  config.id_scope = options.id_scope;
  config.dps = *dps;
  config.curve = options.key_profile == "ec-p384" ? crypto::Curve::kP384 : crypto::Curve::kP256;
  if (options.clock_file.empty()) config.no_time_before_s = agent::kWrittenAt;  // a rehearsal may be about the past
  config.telemetry_interval_ms = options.telemetry_interval_ms;
  config.retry_initial_ms = options.retry_initial_ms;
  config.retry_max_ms = std::max(options.retry_max_ms, options.retry_initial_ms);
  config.slow_retry_ms = options.slow_retry_ms;
  config.keep_alive_s = options.keep_alive_s;
  config.renew_at_permille = static_cast<std::uint16_t>(options.renew_at * 1000);
  if (!read_onboarding(options, config, problem)) return std::nullopt;
  return config;
}

}  // namespace latchkey::boards::host

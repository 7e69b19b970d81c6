// SPDX-License-Identifier: Apache-2.0
#include "hub/app/verbs/sign_verb.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "hub/app/verbs/signable.h"
#include "hub/app/verbs/signing_client.h"
#include "hub/cli/https_client.h"
#include "platform/files/file.h"

namespace latchkey::hub::app {
namespace {

using cli::Failure;
using signing::Bytes;

constexpr std::size_t kFileMax = (std::size_t{1} << 30) + (std::size_t{1} << 20);
constexpr const char* kDetached = "p7s";
constexpr const char* kPe = "pe";
constexpr const char* kBundle = "bundle";

struct Arguments {
  std::string file;
  std::string account;
  std::string profile;
  std::string out;
  std::string kind;
  std::string algorithm = "RS256";
  bool no_timestamp = false;
  std::string timestamp_url;
  std::string token_file;
  std::string endpoint;
  std::string ca_file;
  bool force = false;
  std::string board;
  std::string version;
  std::string minimum_version;
  std::vector<std::string> dependencies;
};

void declare_bundle(CLI::App& app, Arguments& arguments) {
  app.add_option("--board", arguments.board, "bundle: the board that the image is for");
  app.add_option("--version", arguments.version, "bundle: the image's version, X.Y.Z");
  app.add_option("--min-version", arguments.minimum_version,
                 "bundle: once this image runs, the device takes nothing older, X.Y.Z; 0.0.0 when not given");
  app.add_option("--requires", arguments.dependencies,
                 "bundle: another part of the device, and its least version, PART=X.Y.Z; repeatable")
      ->allow_extra_args(false);
}

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("file", arguments.file, "what is signed; of a bundle, the image")->required();
  app.add_option("-a,--account", arguments.account, "the signing account")->required();
  app.add_option("-p,--profile", arguments.profile, "its certificate profile")->required();
  app.add_option("--token-file", arguments.token_file, "a file with the token of somebody who may sign");
  app.add_option("--out", arguments.out, "FILE.p7s for p7s, FILE.lkb for bundle; pe has to be told");
  app.add_option("--kind", arguments.kind,
                 "p7s: detached, of any file; pe: Authenticode; bundle: firmware for devices. Without it bundle with "
                 "--board, pe for a file that begins like one, else p7s")
      ->check(CLI::IsMember({kDetached, kPe, kBundle}));
  app.add_option("--algorithm", arguments.algorithm, "RS, PS or ES with 256, 384 or 512, or ES256K")
      ->capture_default_str();
  app.add_flag("--no-timestamp", arguments.no_timestamp, "sign without one: valid as long as the certificate is");
  app.add_option("--timestamp-url", arguments.timestamp_url, "another timestamping authority than the service's");
  app.add_flag("--force", arguments.force, "write over a file that is there");
  declare_bundle(app, arguments);
  app.add_option("--endpoint", arguments.endpoint, "a data plane, https://HOST:PORT, instead of the data folder's");
  app.add_option("--ca", arguments.ca_file, "with --endpoint: the CA of its certificate (PEM)");
}

tl::unexpected<Failure> bad_input(const std::string& words) { return fail(Failure{cli::kExitBadInput, words}); }
// What was given is at fault before the service was asked, and we or the service after.
tl::unexpected<Failure> failed(const signing::Error& error, int exit_status = cli::kExitBadInput) {
  return fail(Failure{exit_status, error.detail});
}

Result<agent::Version, Failure> version_in(const std::string& option, const std::string& words) {
  if (const auto version = agent::parse_version(words)) return *version;
  return bad_input(option + " is three numbers like 1.2.3, not '" + words + "'");
}

Result<signing::BundleManifest, Failure> manifest_of(const Arguments& arguments) {
  if (arguments.board.empty() || arguments.version.empty()) return bad_input("a bundle needs --board and --version");
  signing::BundleManifest manifest;
  manifest.board = arguments.board;
  LATCHKEY_TRY(version, version_in("--version", arguments.version));
  manifest.version = version;
  if (!arguments.minimum_version.empty()) {
    LATCHKEY_TRY(minimum, version_in("--min-version", arguments.minimum_version));
    manifest.minimum_version = minimum;
  }
  for (const auto& words : arguments.dependencies) {
    const auto equals = words.find('=');
    if (equals == std::string::npos) return bad_input("--requires is PART=1.2.3, not '" + words + "'");
    LATCHKEY_TRY(least, version_in("--requires " + words.substr(0, equals), words.substr(equals + 1)));
    manifest.dependencies.push_back({words.substr(0, equals), least});
  }
  return manifest;
}

SignedForm form_of(const Arguments& arguments, ByteView content) {
  if (arguments.kind == kDetached) return SignedForm::kDetached;
  if (arguments.kind == kPe) return SignedForm::kPe;
  if (arguments.kind == kBundle || !arguments.board.empty()) return SignedForm::kBundle;
  const bool looks_pe = content.size() >= 2 && content[0] == 'M' && content[1] == 'Z';
  return looks_pe ? SignedForm::kPe : SignedForm::kDetached;
}

Result<Signable::Wanted, Failure> wanted(const Arguments& arguments, SignedForm form) {
  const auto algorithm = signing::algorithm_by_name(arguments.algorithm);
  if (!algorithm) {
    return bad_input("--algorithm is RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or ES256K, not '" +
                     arguments.algorithm + "'");
  }
  Signable::Wanted wanted{form, *algorithm};
  if (form == SignedForm::kBundle) {
    LATCHKEY_TRY(manifest, manifest_of(arguments));
    wanted.manifest = std::move(manifest);
    return wanted;
  }
  const bool any = !arguments.board.empty() || !arguments.version.empty() || !arguments.minimum_version.empty() ||
                   !arguments.dependencies.empty();
  if (any) return bad_input("--board, --version, --min-version and --requires are for --kind bundle");
  return wanted;
}

Result<std::string, Failure> free_place(const Arguments& arguments, SignedForm form) {
  std::string out = arguments.out;
  if (out.empty() && form == SignedForm::kPe) return bad_input("--out is needed: where the signed program goes");
  if (out.empty()) out = arguments.file + (form == SignedForm::kBundle ? ".lkb" : ".p7s");
  std::error_code error;
  if (!arguments.force && std::filesystem::exists(std::filesystem::symlink_status(out, error))) {
    return bad_input(out + " exists already; --force writes over it");
  }
  return out;
}

Result<SigningPlace, Failure> place_of(const Arguments& arguments, const std::string& data) {
  if (arguments.token_file.empty()) {
    return bad_input(
        "signing needs --token-file, a token of somebody with the role of signers. To make one:\n"
        "  latchkey role token create -n NAME --out FILE\n"
        "  latchkey role assignment create --assignee NAME --role 'Artifact Signing Certificate Profile Signer' "
        "--scope /");
  }
  SigningPlace place{arguments.endpoint, {}, arguments.ca_file};
  if (arguments.endpoint.empty()) {
    if (!arguments.ca_file.empty()) return bad_input("--ca goes with --endpoint");
    LATCHKEY_TRY(found, signing_place(data));
    place = std::move(found);
  }
  if (!arguments.timestamp_url.empty()) {
    place.open_to_all = arguments.timestamp_url;
  } else if (!place.open_to_all.empty()) {
    place.open_to_all += "/timestamp";
  } else if (!arguments.no_timestamp) {
    return bad_input("--endpoint needs a --timestamp-url beside it, or --no-timestamp");
  }
  return place;
}

Result<void, Failure> sign_and_stamp(Signable& signable, const Arguments& arguments, const SigningPlace& place) {
  const auto algorithm = *signing::algorithm_by_name(arguments.algorithm);
  LATCHKEY_TRY(api, cli::https_api({place.data, arguments.token_file, place.ca_file}));
  LATCHKEY_TRY(signature, sign_remotely(*api, {arguments.account, arguments.profile, algorithm, signable.digest()}));
  if (auto attached = signable.attach(signature.value, signature.views()); !attached) {
    return failed(attached.error(), cli::kExitOurFault);
  }
  if (arguments.no_timestamp) return {};
  const auto over = signable.stamped();
  if (!over) return failed(over.error(), cli::kExitOurFault);
  // SHA-256 is what devices read in tokens, whatever the signature's hash.
  LATCHKEY_TRY(token, timestamp_from(place.open_to_all, signing::Hash::kSha256, *over));
  if (auto stamped = signable.stamp(token); !stamped) return failed(stamped.error(), cli::kExitOurFault);
  return {};
}

// The path of what was written.
Result<std::string, Failure> sign(const Arguments& arguments, const std::string& data) {
  const auto content = files::read_file(arguments.file, kFileMax);
  if (!content) return bad_input("cannot read " + arguments.file + ": " + std::string(to_string(content.error())));
  const SignedForm form = form_of(arguments, *content);
  LATCHKEY_TRY(want, wanted(arguments, form));
  LATCHKEY_TRY(out, free_place(arguments, form));
  auto signable = Signable::make(std::move(want), *content);
  if (!signable) return bad_input(arguments.file + ": " + signable.error().detail);
  LATCHKEY_TRY(place, place_of(arguments, data));
  LATCHKEY_TRY_VOID(sign_and_stamp(*signable, arguments, place));
  const auto finished = signable->finished();
  if (!finished) return failed(finished.error(), cli::kExitOurFault);
  LATCHKEY_TRY_VOID(free_place(arguments, form));  // once more: signing takes its time
  if (const auto written = files::replace_file(out, *finished, files::kPublicFile); !written) {
    return bad_input("cannot write " + out + ": " + std::string(to_string(written.error())));
  }
  return out;
}

}  // namespace

cli::LocalVerb sign_verb() {
  const auto arguments = std::make_shared<Arguments>();
  cli::LocalVerb verb;
  verb.name = "sign";
  verb.help = "Sign a file with a certificate profile: sign FILE --account A --profile P --token-file F";
  verb.add_options = [arguments](CLI::App& app) { declare(app, *arguments); };
  verb.run = [arguments](const std::string& data) {
    const auto signed_file = sign(*arguments, data);
    if (!signed_file) {
      std::cerr << "latchkey: " << signed_file.error().message << std::endl;
      return signed_file.error().exit_status;
    }
    std::cout << "Signed" << (arguments->no_timestamp ? "" : " and stamped") << ": " << *signed_file << std::endl;
    return 0;
  };
  return verb;
}

}  // namespace latchkey::hub::app

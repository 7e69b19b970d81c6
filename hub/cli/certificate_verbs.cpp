// SPDX-License-Identifier: Apache-2.0
// Certificates of a profile: which there are, and taking one back. And the roots above them.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "hub/cli/internal/local_time.h"
#include "hub/cli/internal/private_file.h"
#include "hub/cli/internal/signing_verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kColumns = {{"THUMBPRINT", "/thumbprint"},
                          {"SERIAL NUMBER", "/serialNumber"},
                          {"CREATED (UTC)", "/createdDate"},
                          {"EXPIRES (UTC)", "/expiryDate"},
                          {"STATUS", "/status"},
                          {"REVOCATION", "/revocation/status"},
                          {"FROM (UTC)", "/revocation/effectiveAt", As::kTime},
                          {"REASON", "/revocation/reason"}};

const Columns kRootColumns = {{"NAME", "/name"},
                              {"CERTIFIES", "/certifies"},
                              {"SUBJECT", "/subject"},
                              {"NOT AFTER", "/validityNotAfter", As::kTime},
                              {"SHA-256", "/sha256Thumbprint"}};

std::string profile_path(const Args& args) {
  return account_path(args) + "/certificateProfiles/" + percent_encode(args.text("profile-name"));
}

// As Windows and OpenSSL show it: with spaces or colons between the octets, in either case.
std::string plain_thumbprint(const std::string& typed) {
  std::string plain;
  for (const char c : typed) {
    if (c == ' ' || c == ':') continue;
    plain += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return plain;
}

Result<json, Failure> certificates(Session& session, const Args& args) {
  const auto profile = call(session.api(), "GET", profile_path(args), {});
  if (!profile) return tl::unexpected<Failure>(profile.error());
  const auto place = json::json_pointer("/properties/certificates");
  return profile->contains(place) ? profile->at(place) : json::array();
}

struct Picked {
  json certificate;
  bool newest = false;  // the one that signs
};

// By its thumbprint.
Result<Picked, Failure> pick(Session& session, const Args& args) {
  const auto all = certificates(session, args);
  if (!all) return tl::unexpected<Failure>(all.error());
  const auto wanted = plain_thumbprint(args.text("thumbprint"));
  for (const auto& one : *all) {
    if (one.value("thumbprint", "") == wanted) return Picked{one, &one == &all->back()};
  }
  return tl::unexpected<Failure>(
      Failure{kExitNotFound, "the profile has no certificate of the thumbprint '" + args.text("thumbprint") + "'"});
}

std::string question(const Args& args, const Picked& picked, UnixMs at) {
  const auto& one = picked.certificate;
  std::string text = "Revoke the certificate " + one.value("thumbprint", "") + " (serial number " +
                     one.value("serialNumber", "") + ") of " + one.value("subjectName", "") + ",\ngood from " +
                     one.value("createdDate", "") + " to " + one.value("expiryDate", "") + " UTC, for " +
                     args.text("reason") + ",\nfrom " + local_text(at) + ", which is " + utc_text(at) +
                     ", on?\nWhat it signed before that moment, with a timestamp, stays valid; nothing else does.";
  if (picked.newest) {
    text +=
        "\nIt is the profile's current one: the profile signs no more, and to sign on takes a new validation and a "
        "new profile.";
  }
  return text;
}

int list_certificates(Session& session, const Args& args) {
  const auto all = certificates(session, args);
  if (!all) return session.failed(all.error());
  if (session.json_wanted()) {
    session.print_json({{"value", *all}});
  } else {
    print_table(session.terminal().out, *all, kColumns);
  }
  return 0;
}

int revoke_certificate(Session& session, const Args& args) {
  const auto at = read_moment(args.text("effective-at"));
  if (!at) return session.failed({kExitBadInput, "--effective-at: " + at.error()});
  const auto picked = pick(session, args);
  if (!picked) return session.failed(picked.error());
  if (const int no = session.confirm(question(args, *picked, *at))) return no;
  json order = {{"serialNumber", picked->certificate["serialNumber"]},
                {"thumbprint", picked->certificate["thumbprint"]},
                {"effectiveAt", utc_text(*at)},
                {"reason", args.text("reason")}};
  if (args.has("remarks")) order["remarks"] = args.text("remarks");
  const auto answer = call(session.api(), "POST", profile_path(args) + "/revokeCertificate", order);
  if (!answer) return session.failed(answer.error());
  if (session.json_wanted()) {
    session.print_json(order);
  } else {
    session.terminal().out << "revoked certificate " << picked->certificate.value("thumbprint", "") << "\n  from "
                           << local_text(*at) << "\n       " << utc_text(*at) << '\n';
  }
  return 0;
}

int hold(Session& session, const Args& args) {
  const bool held = !args.has("off");
  return session.act("POST", "/signingRevocations/hold", {{"held", held}},
                     held ? "revocations stay in progress until they are settled" : "revocations end at once");
}

int settle(Session& session, const Args& args) {
  const auto picked = pick(session, args);
  if (!picked) return session.failed(picked.error());
  json body = {{"serialNumber", picked->certificate["serialNumber"]}};
  if (args.has("failure-reason")) body["failureReason"] = args.text("failure-reason");
  return session.act("POST", profile_path(args) + "/settleRevocation", body, kColumns);
}

int list_roots(Session& session, const Args&) { return session.list("/signingRoots", kRootColumns); }

// PEM, as whoever verifies wants it.
int show_root(Session& session, const Args& args) {
  const auto root = call(session.api(), "GET", "/signingRoots/" + percent_encode(args.text("name")), {});
  if (!root) return session.failed(root.error());
  const auto pem = root->value("certificate", "");
  if (args.has("out")) {
    const auto file = create_private_file(args.text("out"));
    if (!file) return session.failed(file.error());
    const bool written = write_all(*file, pem);
    close(*file);
    if (!written) return session.failed({kExitOurFault, "cannot write " + args.text("out")});
  }
  if (session.json_wanted()) {
    session.print_json(*root);
  } else if (args.has("out")) {
    session.terminal().out << "wrote the root to " << args.text("out") << '\n';
  } else {
    session.terminal().out << pem;
  }
  return 0;
}

}  // namespace

std::vector<Verb> certificate_verbs() {
  const Option profile = {"--profile-name", "the certificate profile", Takes::kText, true, {}, {}};
  const Option thumbprint = {"--thumbprint",
                             "which one, as list shows it (SHA-1); colons and spaces may be in it",
                             Takes::kText,
                             true,
                             {},
                             {}};
  const Option reason = {"--reason",
                         "why",
                         Takes::kText,
                         true,
                         {},
                         {"KeyCompromised", "AffiliationChanged", "Superseded", "CessationOfOperation",
                          "PrivilegeWithdrawn", "Unspecified"}};
  const Option effective_at = {"--effective-at",
                               "from when on, within the certificate's validity: 2026-01-31T12:00 in the local zone, "
                               "or with Z or +01:00 behind it",
                               Takes::kText,
                               true,
                               {},
                               {}};
  const Option remarks = {"--remarks", "in your own words, for whoever looks later", Takes::kText, false, {}, {}};
  const Option off = {"--off", "no longer", Takes::kNothing};
  const Option failure = {"--failure-reason", "let it fail, for that reason", Takes::kText, false, {}, {}};
  const Option root = {"-n,--name", "which one", Takes::kText,
                       true,        {},          {"PublicTrust", "PublicTrustTest", "PrivateTrust", "Timestamp"}};
  const Option out = {"--out", "a new file for it; printed when it is not given", Takes::kText, false, {}, {}};
  const std::string noun = "signing certificate";
  const std::string roots = "signing root";
  return {
      {noun,
       "list",
       {},
       "List the certificates of a profile, oldest first",
       {account_option(), profile, group_option()},
       list_certificates},
      {noun,
       "revoke",
       {},
       "Revoke a certificate from a moment on: what it signed from then on is not valid",
       {account_option(), profile, thumbprint, reason, effective_at, remarks, group_option()},
       revoke_certificate,
       true},
      {noun, "hold", {}, "Play the provider: revocations stay in progress", {off}, hold},
      {noun,
       "settle",
       {},
       "Play the provider: end a revocation that is in progress",
       {account_option(), profile, thumbprint, failure, group_option()},
       settle},
      {roots, "list", {}, "List the roots of the signing service, one for each kind of trust", {}, list_roots},
      {roots, "show", {}, "Show a root as PEM, for whoever is to believe it", {root, out}, show_root},
  };
}

}  // namespace latchkey::hub::cli

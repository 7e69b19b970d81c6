// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "hub/cli/internal/private_file.h"
#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

constexpr std::size_t kCertificateFileLimit = 64 * 1024;

Columns columns(const std::string& id) {
  return {{"ID", id},
          {"STATUS", "/provisioningStatus"},
          {"ATTESTATION", "/attestation/type"},
          {"POLICY", "/credentialPolicyName"},
          {"NAMESPACE", "/namespace"},
          {"UPDATED", "/lastUpdatedDateTimeUtc", As::kTime}};
}
const Columns& columns_for(const Args& args) {
  static const Columns kIndividual = columns("/registrationId");
  static const Columns kGroup = columns("/enrollmentGroupId");
  return args.has("group") ? kGroup : kIndividual;
}

std::string list_path(const Args& args) { return args.has("group") ? "/enrollmentGroups" : "/enrollments"; }
std::string path(const Args& args) { return list_path(args) + "/" + percent_encode(args.text("id")); }
std::string called(const Args& args) {
  return (args.has("group") ? "enrollment group " : "enrollment ") + args.text("id");
}

Result<std::string, Failure> read_certificate(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Failure{kExitBadInput, "cannot read " + file});
  std::string text(kCertificateFileLimit + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kCertificateFileLimit)
    return fail(Failure{kExitBadInput, file + " is too large for a certificate"});
  return text;
}

Result<json, Failure> attestation(const Args& args) {
  const bool certificates = args.has("certificate") || args.has("secondary-certificate");
  if (args.text("attestation") == "symmetric-key") {
    if (certificates) return fail(Failure{kExitBadInput, "a certificate needs --attestation x509"});
    return json{{"type", "symmetricKey"}};
  }
  if (!args.has("certificate")) return fail(Failure{kExitBadInput, "--attestation x509 needs --certificate"});
  json pair;
  LATCHKEY_TRY(primary, read_certificate(args.text("certificate")));
  pair["primary"] = {{"certificate", primary}};
  if (args.has("secondary-certificate")) {
    LATCHKEY_TRY(secondary, read_certificate(args.text("secondary-certificate")));
    pair["secondary"] = {{"certificate", secondary}};
  }
  return json{{"type", "x509"}, {"x509", {{args.has("group") ? "signingCertificates" : "clientCertificates", pair}}}};
}

// Members that say which hub devices are assigned to; false when the options contradict each other.
bool add_allocation(const Args& args, json& body) {
  if (args.has("allocation")) body["allocationPolicy"] = args.text("allocation");
  if (args.has("iot-hub")) body["iotHubs"] = args.texts("iot-hub");
  if (args.has("any-hub")) body["iotHubs"] = json::array();
  if (!args.has("reprovision")) return !(args.has("iot-hub") && args.has("any-hub"));
  const auto& what = args.text("reprovision");
  body["reprovisionPolicy"] = {{"updateHubAssignment", what != "never"}, {"migrateDeviceData", what != "reset"}};
  return !(args.has("iot-hub") && args.has("any-hub"));
}

Result<json, Failure> read_object(const Args& args, const std::string& option) {
  json object = args.has(option) ? json::parse(args.text(option), nullptr, false) : json::object();
  if (object.is_object()) return object;
  return fail(Failure{kExitBadInput, "--" + option + " takes a JSON object"});
}

// Both documents at once, as the service keeps them.
Result<void, Failure> add_initial_twin(const Args& args, json& body) {
  constexpr const char* kTags = "initial-twin-tags";
  constexpr const char* kDesired = "initial-twin-properties";
  if (!args.has(kTags) && !args.has(kDesired)) return {};
  LATCHKEY_TRY(tags, read_object(args, kTags));
  LATCHKEY_TRY(desired, read_object(args, kDesired));
  body["initialTwin"] = {{"tags", std::move(tags)}, {"properties", {{"desired", std::move(desired)}}}};
  return {};
}

int create(Session& session, const Args& args) {
  auto proof = attestation(args);
  if (!proof) return session.failed(proof.error());
  json body = {{"attestation", std::move(*proof)}, {"namespace", args.text("namespace")}};
  if (args.has("policy")) body["credentialPolicyName"] = args.text("policy");
  if (args.has("status")) body["provisioningStatus"] = args.text("status");
  if (args.has("device-id")) {
    if (args.has("group")) return session.failed({kExitBadInput, "--device-id is for individual enrollments"});
    body["deviceId"] = args.text("device-id");
  }
  if (!add_allocation(args, body)) return session.failed({kExitBadInput, "--iot-hub and --any-hub exclude each other"});
  if (const auto added = add_initial_twin(args, body); !added) return session.failed(added.error());
  return session.act("PUT", path(args), body, columns_for(args));
}

int show(Session& session, const Args& args) { return session.show(path(args), columns_for(args)); }
int list(Session& session, const Args& args) { return session.list(list_path(args), columns_for(args)); }
int update(Session& session, const Args& args) {
  json body = json::object();
  if (args.has("policy")) body["credentialPolicyName"] = args.text("policy");
  if (args.has("status")) body["provisioningStatus"] = args.text("status");
  if (!add_allocation(args, body)) return session.failed({kExitBadInput, "--iot-hub and --any-hub exclude each other"});
  if (const auto added = add_initial_twin(args, body); !added) return session.failed(added.error());
  if (body.empty()) {
    return session.failed({kExitBadInput,
                           "nothing to change; give --policy, --status, --allocation, --iot-hub, --reprovision or "
                           "--initial-twin-properties"});
  }
  return session.act("PATCH", path(args), body, columns_for(args));
}
int remove(Session& session, const Args& args) {
  if (const int no = session.confirm("Delete " + called(args) +
                                     "? Its keys are gone then; devices that it let in keep their certificates.")) {
    return no;
  }
  return session.act("DELETE", path(args), {}, "deleted " + called(args));
}

int key(Session& session, const Args& args) {
  const std::string& file = args.text("out");
  const bool to_stdout = file == "-";
  int descriptor = -1;
  if (!to_stdout) {  // before the key is read: that leaves an audit record
    const auto made = create_private_file(file);
    if (!made) return session.failed(made.error());
    descriptor = *made;
  }
  const auto give_up = [&](const Failure& failure) {
    if (descriptor >= 0) {
      close(descriptor);
      unlink(file.c_str());
    }
    return session.failed(failure);
  };
  const auto answer = call(session.api(), "POST", path(args) + "/attestationmechanism", {});
  if (!answer) return give_up(answer.error());
  const json::json_pointer pointer(args.has("secondary") ? "/symmetricKey/secondaryKey" : "/symmetricKey/primaryKey");
  if (!answer->contains(pointer) || !answer->at(pointer).is_string()) {
    return give_up({kExitRefused, called(args) + " has no symmetric key"});
  }
  const auto text = answer->at(pointer).get<std::string>() + "\n";
  if (to_stdout) {
    session.terminal().out << text;
    return 0;
  }
  if (!write_all(descriptor, text)) return give_up({kExitOurFault, "cannot write " + file});
  close(descriptor);
  session.terminal().err << "wrote the key of " << called(args) << " to " << file << '\n';
  return 0;
}

}  // namespace

std::vector<Verb> enrollment_verbs() {
  const Option id = {"-n,--id,--enrollment-id", "the registration id, or the group's id", Takes::kText, true};
  const Option group = {"--group", "an enrollment group, not a single device", Takes::kNothing};
  const Option policy = {"--policy,--credential-policy-name", "the policy to issue certificates under"};
  const Option status = {"--status,--provisioning-status", "disabled lets nobody provision", Takes::kText, false, {},
                         {"enabled", "disabled"}};
  const Option kind = {"--attestation", "how devices prove themselves; keys are made by the hub",
                       Takes::kText,    false,
                       "symmetric-key", {"symmetric-key", "x509"}};
  const Option certificate = {"--certificate", "PEM file: the device's certificate, or a group's signing CA"};
  const Option second = {"--secondary-certificate", "PEM file: another one that is as good"};
  const Option device_id = {"--device-id", "the device's id at the hub, when it is not the registration id"};
  const Option allocation = {"--allocation,--allocation-policy",
                             "which of several hubs: by hash of the id, the nearest, or the one of --iot-hub",
                             Takes::kText,
                             false,
                             {},
                             {"hashed", "geoLatency", "static"}};
  const Option hubs = {"--iot-hub,--iot-hubs", "a hub that devices may be assigned to, instead of all", Takes::kTexts};
  const Option any_hub = {"--any-hub", "all hubs of the namespace again", Takes::kNothing};
  const Option reprovision = {"--reprovision,--reprovision-policy",
                              "devices that register again may move with their twin, move and lose it, or stay",
                              Takes::kText,
                              false,
                              {},
                              {"migrate", "reset", "never"}};
  const Option tags = {"--initial-twin-tags,--it-tags",
                       "JSON object: the tags that devices begin with; replaces the initial twin as a whole"};
  const Option desired = {"--initial-twin-properties,--it-props",
                          "JSON object: the desired properties that devices begin with; likewise"};
  const Option out = {"--out", "a new file for the key, made with mode 0600; - for standard output", Takes::kText,
                      true};
  const Option secondary = {"--secondary", "the secondary key instead of the primary", Takes::kNothing};
  return {
      {"enrollment",
       "create",
       {},
       "Create an enrollment",
       {id, group, namespace_option(), policy, kind, certificate, second, status, device_id, allocation, hubs,
        reprovision, tags, desired},
       create},
      {"enrollment", "show", {}, "Show an enrollment, without its keys", {id, group}, show},
      {"enrollment", "list", {}, "List the enrollments, or with --group the groups", {group}, list},
      {"enrollment",
       "update",
       {},
       "Point an enrollment at another policy or other hubs, or enable or disable it",
       {id, group, policy, status, allocation, hubs, any_hub, reprovision, tags, desired},
       update},
      {"enrollment", "delete", {}, "Delete an enrollment", {id, group}, remove, true},
      {"enrollment", "key", {}, "Write an enrollment's key (base64) to a new file", {id, group, out, secondary}, key},
  };
}

}  // namespace latchkey::hub::cli

// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/revocation_world.h"

#include <algorithm>
#include <fstream>
#include <future>
#include <stdexcept>

#include "platform/openssl/digest.h"
#include "platform/openssl/pem.h"

namespace latchkey::tests {

using namespace hub;  // NOLINT: the rooms under test

namespace {

// Everything here has to work before anything can be tested.
template <class T>
T must(registry::Outcome<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().detail);
  if constexpr (!std::is_void_v<T>) return *std::move(outcome);
}

openssl::X509Ptr parse(const registry::Bytes& der) {
  const std::uint8_t* end = der.data();
  return openssl::X509Ptr(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
}

void write_pem(const std::filesystem::path& file, const registry::Bytes& der) {
  const auto pem = openssl::certificate_to_pem(parse(der).get());
  std::ofstream(file, std::ios::binary) << ByteView(pem).text();
}

// Registry operations that wait for the disk share one commit when they come together.
template <class Work>
void side_by_side(int count, const Work& work) {
  constexpr int kThreads = 8;
  std::vector<std::future<void>> running;
  for (int first = 0; first < kThreads; ++first) {
    running.push_back(std::async(std::launch::async, [&work, first, count] {
      for (int i = first; i < count; i += kThreads) work(i);
    }));
  }
  for (auto& one : running) one.get();
}

}  // namespace

class RevocationWorld::App : public revocation::Responder {
 public:
  explicit App(ca::OcspResponder& responder) : responder_(responder) {}
  revocation::OcspReply answer(ByteView request) override {
    auto answer = responder_.answer(request);
    return {std::move(answer.der), answer.reusable, answer.this_update, answer.next_update};
  }

 private:
  ca::OcspResponder& responder_;
};

RevocationWorld::RevocationWorld(UnixMs begin) : now_(begin), key_(make_key()) {
  const auto clock = [this] { return now_.load(); };
  keys_ = must(ca::FileKeyProvider::open(folder() / "keys"));
  http::Handlers handlers;
  handlers.handle = [this](const http::Request& request) { return service_->handle(request); };
  server_ = must(http::Server::listen_tcp("127.0.0.1", 0, {}, std::move(handlers)));
  registry::Registry::Options options;
  options.path = (folder() / "registry.db").string();
  registry_ = must(registry::Registry::open(options, openssl::host_digest()));
  open_authority(1);
  credentials_ = must(ca::OcspCredentials::open(*keys_, {folder() / "ocsp", 7 * kDay}));
  responder_ = std::make_unique<ca::OcspResponder>(*registry_, *credentials_, clock, ca::OcspResponder::Options{});
  lists_ = std::make_unique<revocation::ListFolder>(folder() / "crl");
  app_ = std::make_unique<App>(*responder_);
  service_ = std::make_unique<revocation::Service>(*registry_, *lists_, *app_, clock, revocation::Service::Options{});

  must(registry_->create_namespace(call(), kNamespace));
  must(registry_->create_hub(call(), kNamespace, "hub", "localhost"));
  auto root = must(authority_->make_root(registry::KeyProfile::kEcP256, now_));
  root_ = root.id;
  must(registry_->create_credential(call(), kNamespace, std::move(root)));
  csr_ = must(authority_->read_csr(make_csr(key_, "any"), "any"));
}

void RevocationWorld::open_authority(unsigned shards) {
  ca::Authority::Options addresses;
  addresses.crl_url = url() + "/crl";
  addresses.aia_url = url() + "/ca";
  addresses.crl_shards = shards;
  if (shards > 1) splits_.push_back({shards, {addresses.crl_url}});
  ca::CrlPublisher::Options lists;
  lists.folder = folder() / "crl";
  lists.splits = splits_;
  publisher_.reset();
  issuance_.reset();
  authority_ = std::make_unique<ca::Authority>(*keys_, addresses);
  issuance_ = std::make_unique<ca::Issuance>(*registry_, *authority_);
  publisher_ = std::make_unique<ca::CrlPublisher>(
      *registry_, *authority_, [this] { return now_.load(); }, lists, nullptr);
}

void RevocationWorld::split(unsigned shards) { open_authority(shards); }

RevocationWorld::~RevocationWorld() {
  server_.reset();
  if (publisher_) publisher_->stop();
  if (registry_) registry_->close();
}

void RevocationWorld::make_policy(const std::string& name) {
  auto issuing = must(authority_->make_issuing(root(), registry::KeyProfile::kEcP256, now_));
  must(registry_->create_policy(call(), kNamespace, {name, 30, std::move(issuing)}));
  registry::NewEnrollment enrollment;
  enrollment.id = name;
  enrollment.group = true;
  enrollment.namespace_name = kNamespace;
  enrollment.primary = registry::Bytes(32, 7);
  enrollment.policy_name = name;
  must(registry_->create_enrollment(call(), enrollment));
}

RevocationWorld::Group RevocationWorld::group(const std::string& policy) {
  return {must(registry_->find_enrollment(policy, true)).uuid, must(registry_->find_policy(kNamespace, policy)).ca};
}

Held RevocationWorld::write(const std::string& device, const registry::Bytes& der,
                            const registry::IssuanceGrant& grant) {
  Held held{device, "c" + std::to_string(written_++) + ".pem", der, grant.serial, grant.ca, grant.not_after};
  write_pem(folder() / held.file, der);
  return held;
}

Held RevocationWorld::issue_one(const Uuid& enrollment, const std::string& device) {
  registry::RegistrationRequest request;
  request.registration_id = device;
  request.enrollment = enrollment;
  request.wants_certificate = true;
  request.serial = ca::Authority::new_serial();
  request.operation_id = device + "-" + std::to_string(written_);
  const auto granted = must(registry_->register_device(call(), request)).value.issuance.value();
  const auto chain = must(issuance_->issue(call(), granted, *csr_)).value;
  return write(device, chain.leaf, granted);
}

std::vector<Held> RevocationWorld::issue(const std::string& policy, const std::string& prefix, int count) {
  const auto by = group(policy);
  std::vector<Held> all(static_cast<std::size_t>(count));
  side_by_side(count, [&](int i) {
    all[static_cast<std::size_t>(i)] = issue_one(by.enrollment, prefix + "-" + std::to_string(i));
  });
  return all;
}

std::vector<Held> RevocationWorld::sign_unrecorded(const std::string& policy, const std::string& prefix, int count) {
  const auto issuer = ca(group(policy).ca);
  std::vector<Held> all;
  for (int i = 0; i < count; ++i) {
    registry::IssuanceGrant grant;
    grant.serial = ca::Authority::new_serial();
    grant.device_id = prefix + "-" + std::to_string(i);
    grant.ca = issuer.id;
    grant.not_before = now_ - kDay;
    grant.not_after = now_ + 30 * kDay;
    all.push_back(write(grant.device_id, must(authority_->sign_leaf(issuer, grant, *csr_)), grant));
  }
  return all;
}

void RevocationWorld::revoke(const std::vector<Held>& held, std::optional<registry::RevocationReason> reason) {
  auto why = call();
  why.reason = reason;
  side_by_side(static_cast<int>(held.size()), [&](int i) {
    must(registry_->revoke_device(why, kNamespace, held[static_cast<std::size_t>(i)].device, false));
  });
}

void RevocationWorld::revoke_policy(const std::string& name) {
  auto replacement = must(authority_->make_issuing(root(), registry::KeyProfile::kEcP256, now_));
  must(registry_->revoke_policy(call(), kNamespace, name, std::move(replacement)));
}

void RevocationWorld::delete_policy(const std::string& name) {
  const auto issuer = ca(group(name).ca);
  if (auto made = credentials_->make_last(issuer, now_); !made) throw std::runtime_error(made.error().detail);
  must(registry_->delete_policy(call(), kNamespace, name));
  publish();
}

void RevocationWorld::publish() { must(publisher_->publish()); }

registry::SerialStanding RevocationWorld::standing(const Held& held) {
  return must(registry_->standing(held.ca, {held.serial})).serials.front();
}

registry::CaCertificate RevocationWorld::ca(const Uuid& id) { return must(registry_->find_ca(id)); }

std::string RevocationWorld::ca_file(const Uuid& id) {
  const std::string name = "ca-" + std::string(view(to_text(id))) + ".pem";
  if (!std::filesystem::exists(folder() / name)) write_pem(folder() / name, ca(id).der);
  return name;
}

}  // namespace latchkey::tests

// SPDX-License-Identifier: Apache-2.0
// The signing service as the hub process runs it, while a rehearsal's state is replaced below it.
#include "hub/app/signing/signing_service.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "hub/ca/file_key_provider.h"
#include "hub/text/encoding.h"
#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::app {
namespace {

using registry::signing::Authority;
using registry::signing::AuthorityRole;
using signing::test::kStart;

class SteadyClock final : public ports::Clock {
 public:
  UnixMs now() const override { return at; }
  ports::MonotonicMs monotonic() const override { return 0; }
  std::atomic<UnixMs> at = kStart;
};

// The status of GET, 0 when there is no answer.
int get(const Address& address, const std::string& path) {
  const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(address.port);
  ::inet_pton(AF_INET, address.host.c_str(), &place.sin_addr);
  std::string answer;
  if (::connect(peer, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: signing\r\nConnection: close\r\n\r\n";
    (void)::send(peer, request.data(), request.size(), MSG_NOSIGNAL);
    char part[4096];
    for (ssize_t size = 0; (size = ::recv(peer, part, sizeof part, 0)) > 0;) answer.append(part, std::size_t(size));
  }
  ::close(peer);
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

class SigningServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    open_registry();
    certificate_ = *brokers::ensure_server_certificate(folder_.file("tls"), {{"localhost"}, {"127.0.0.1"}});
    start();
  }
  void TearDown() override { service_.reset(); }
  void open_registry() {
    registry_.reset();
    registry_ = std::move(
        *registry::Registry::open({.path = folder_.file("registry.db"), .rehearsal = true}, openssl::host_digest()));
  }
  void start() {
    SigningService::Options options;
    if (!provider_) provider_ = std::move(*ca::FileKeyProvider::open(keys()));
    options.keys = provider_.get();
    options.folder = folder_.file("signing");
    options.data = options.open_to_all = {"127.0.0.1", 0};
    options.certificate = certificate_;
    options.service = signing::test::quick_options();
    auto started = SigningService::start(*registry_, clock_, std::move(options));
    ASSERT_TRUE(started) << started.error().detail;
    service_ = std::move(*started);
  }
  std::string keys() const { return folder_.file("signing-keys"); }
  std::size_t keys_kept() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(keys()), {}));
  }
  std::vector<Authority> authorities() {
    return *registry::signing::CertificateRows(rows_of(*registry_)).authorities();
  }
  // Of an issuing CA that was there at first.
  std::string list() const {
    const auto ca = std::ranges::find(authorities_at_first_, AuthorityRole::kIssuing, &Authority::role);
    return "/crl/" + text::uuid_text(ca->id) + ".crl";
  }
  void remember() { authorities_at_first_ = authorities(); }
  registry::Call call() const { return {"tester", clock_.at}; }
  void reset() { ASSERT_TRUE(registry_->reset(call(), {}, {})); }

  tests::MemoryFolder folder_;
  SteadyClock clock_;
  brokers::ServerCertificateFiles certificate_;
  std::unique_ptr<registry::Registry> registry_;
  std::vector<Authority> authorities_at_first_;
  std::unique_ptr<ca::FileKeyProvider> provider_;
  std::unique_ptr<SigningService> service_;
};

TEST_F(SigningServiceTest, keeps_its_ports_over_a_restart_as_certificates_name_one_of_them) {
  const auto data = service_->data();
  const auto open_to_all = service_->open_to_all();
  service_.reset();
  open_registry();
  start();
  EXPECT_EQ(service_->data().port, data.port);
  EXPECT_EQ(service_->open_to_all().port, open_to_all.port);
  for (const auto& row : authorities()) {
    if (row.role != AuthorityRole::kIssuing) continue;
    const std::string der(ByteView(row.der).text());
    EXPECT_THAT(der, testing::HasSubstr("http://" + open_to_all.text() + "/ocsp"));
  }
}

// Rows: S-6-131
TEST_F(SigningServiceTest, renews_issuing_cas_by_the_clock_and_says_so) {
  const auto before = authorities();
  std::promise<void> said;
  std::atomic<int> times = 0;
  service_->when_authorities_change([&] {
    if (times++ == 0) said.set_value();
  });
  clock_.at += 11LL * 365 * signing::test::kDay;
  ASSERT_EQ(said.get_future().wait_for(std::chrono::minutes(5)), std::future_status::ready);
  const auto after = authorities();
  EXPECT_EQ(after.size(), before.size() + 4) << "an issuing CA for each kind of trust, and a timestamper";
  EXPECT_EQ(std::ranges::count(after, AuthorityRole::kIssuing, &Authority::role), 6);
  service_->stop();
}

TEST_F(SigningServiceTest, nobody_is_served_while_it_is_paused) {
  remember();
  EXPECT_EQ(get(service_->open_to_all(), list()), 200);
  auto pause = service_->pause();
  EXPECT_EQ(get(service_->open_to_all(), list()), 503);
  EXPECT_EQ(get(service_->open_to_all(), "/ocsp/AAAA"), 503);
  pause.reset();
  EXPECT_EQ(get(service_->open_to_all(), list()), 200);
}

// Rows: S-6-129
TEST_F(SigningServiceTest, begins_anew_with_other_cas_when_its_rows_were_emptied) {
  remember();
  {
    const auto pause = service_->pause();
    reset();
  }
  const auto now = authorities();
  ASSERT_EQ(now.size(), 8u);
  for (const auto& before : authorities_at_first_) {
    EXPECT_TRUE(std::ranges::none_of(now, [&](const auto& one) { return one.id == before.id; }));
  }
  EXPECT_EQ(get(service_->open_to_all(), list()), 404) << "nobody answers for the CAs before";
  EXPECT_EQ(keys_kept(), 8u) << "the keys of the CAs before are erased";
  remember();
  EXPECT_EQ(get(service_->open_to_all(), list()), 200);
}

// Rows: S-6-129
TEST_F(SigningServiceTest, goes_on_with_rows_that_were_put_back_and_higher_list_numbers) {
  remember();
  const std::string copy = folder_.file("copy.db");
  ASSERT_TRUE(registry_->copy_to(copy));
  std::filesystem::copy(keys(), folder_.file("copied-keys"));
  for (int i = 0; i < 2; ++i) {  // lists are made anew
    clock_.at += 4 * signing::test::kDay;
    const auto pause = service_->pause();
  }
  std::uint64_t highest = 0;
  for (const auto& row : authorities()) highest = std::max(highest, row.list_number);
  EXPECT_EQ(highest, 3u);
  {
    const auto pause = service_->pause();
    reset();
  }
  {
    const auto pause = service_->pause();
    for (const auto& key : std::filesystem::directory_iterator(folder_.file("copied-keys"))) {
      std::filesystem::copy(key.path(), keys());
    }
    ASSERT_TRUE(registry_->restore(call(), "copy", copy));
  }
  const auto now = authorities();
  ASSERT_EQ(now.size(), authorities_at_first_.size());
  for (std::size_t i = 0; i < now.size(); ++i) {
    EXPECT_EQ(now[i].id, authorities_at_first_[i].id);
    if (now[i].role == AuthorityRole::kTimestamper) continue;
    EXPECT_GT(now[i].list_number, highest);
    EXPECT_FALSE(now[i].list_due);
  }
  EXPECT_EQ(keys_kept(), 8u);
  EXPECT_EQ(get(service_->open_to_all(), list()), 200);
}

TEST_F(SigningServiceTest, that_cannot_begin_anew_tries_again_until_it_can) {
  remember();
  const auto damage = [&](const registry::Bytes& der) {
    return rows_of(*registry_).keep_rows([&](registry::store::Database& db) {
      return db.query("UPDATE signing_authorities SET der = $1 WHERE id = $2", der, authorities_at_first_[0].id).run();
    });
  };
  testing::internal::CaptureStderr();
  {
    const auto pause = service_->pause();
    ASSERT_TRUE(damage({0x00}));
  }
  EXPECT_EQ(get(service_->open_to_all(), list()), 503);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("signing service: "));
  ASSERT_TRUE(damage(authorities_at_first_[0].der));
  while (get(service_->open_to_all(), list()) != 200) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

// Callers come and go while the state is replaced over and over.
TEST_F(SigningServiceTest, callers_hear_an_answer_whatever_happens_below) {
  remember();
  const auto address = service_->open_to_all();
  const auto path = list();
  std::atomic<bool> over = false;
  std::atomic<int> other = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!over) {
        const int status = get(address, path);
        if (status != 200 && status != 404 && status != 503) ++other;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    const auto pause = service_->pause();
    reset();
  }
  over = true;
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(other, 0);
  remember();
  EXPECT_EQ(get(address, list()), 200);
}

TEST_F(SigningServiceTest, revocations_that_were_held_stay_so) {
  service_->revocations().hold(true);
  { const auto pause = service_->pause(); }
  // Asked of what comes after it: nothing of that name is found, and no rooms are missing.
  const auto answered = service_->revocations().settle(call(), "contoso", "release", "01", "");
  ASSERT_FALSE(answered);
  EXPECT_EQ(answered.error().reason, registry::Reason::kNotFound);
}

}  // namespace
}  // namespace latchkey::hub::app

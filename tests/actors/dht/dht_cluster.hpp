#pragma once
// Several nodes of the DHT on one simulated network: they find each other, put, get, die, and come back with what they
// had synced. What surrounds the DHT is there in earnest, but for `/peers`, which knows what a test says.
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/dht/codec.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/dht/dht_cluster_node.hpp"
#include "tests/actors/dht/records.hpp"

namespace troupe::dht::test {

class DhtCluster {
 public:
  using Tune = std::function<void(std::size_t, ClusterNode&)>;

  /// Each knows the first one, and the first one nobody.
  explicit DhtCluster(std::size_t count, Tune tune = {}, std::uint64_t seed = 1)
      : stage(seed), fabric(sim::Fabric::make(stage, {.min = 1ms, .max = 5ms})) {
    for (std::size_t i = 0; i < count; ++i) {
      auto member = std::make_unique<ClusterNode>();
      member->number = static_cast<std::uint16_t>(i + 1);
      sim::NodePorts& ports = stage.keep<sim::NodePorts>(stage, fabric, member->number, member->disk);
      member->identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(ports.world().chance, 0));
      member->at = {ports.address(), 4000};
      member->settings.identity = member->identity;
      member->settings.endpoint = member->at;
      member->settings.work_bits = 0;
      if (i > 0) member->knows = {0};
      if (tune) tune(i, *member);
      members.push_back(std::move(member));
    }
    for (std::size_t i = 0; i < count; ++i) begin(i);
    stage.run_for(10s);
  }
  ~DhtCluster() {
    for (std::size_t i = 0; i < members.size(); ++i) kill(i);
    stage.run_for(10s);
  }
  ClusterNode& operator[](std::size_t i) { return *members[i]; }

  /// Starts a node that is down, on what its disk holds.
  void begin(std::size_t i) {
    ClusterNode& home = *members[i];
    home.lives.push_back(std::make_unique<Life>(stage, fabric, home.number, home.disk));
    home.up = true;
    Life& life = home.life();
    life.node.on_failure = [&life](std::string_view path, const Error& error) {
      life.failures.push_back(std::string(path) + ": " + error.message);
    };
    life.node.host = &life.breaker;
    begin_net(home, life);
    life.node.start("peers", script([this, i](Scripted&, runtime::Handlers& on) { know(i, on); }));
    if (home.stores) begin_store(i);
    if (home.acts) {
      life.node.start("dht", script(home.acts, [](Scripted& self) {
                        self.node()
                            .publish<wire::Ping, wire::FindNode, wire::FindValue, wire::Store, wire::AddProvider,
                                     wire::GetProviders>(kPath, self.self());
                      }));
      return;
    }
    life.node.start("node", script({}, [&home, &life](Scripted& self) {
                      life.dht =
                          self.spawn("dht", [settings = home.settings] { return std::make_unique<DhtActor>(settings); },
                                     {.kind = DhtActor::kName});
                    }));
  }
  void begin_store(std::size_t i) {
    members[i]->life().node.start(
        "store",
        [told = members[i]->told] { return std::make_unique<store::StoreActor>("store", store::StoreOptions{}, told); },
        {.kind = store::StoreActor::kName});
  }
  /// Breaks an actor of a node in its next handler.
  void break_at(std::size_t i, std::string path) { members[i]->life().breaker.path = std::move(path); }
  /// The process of a node is gone at once; what its disk has synced stays.
  void kill(std::size_t i) {
    ClusterNode& home = *members[i];
    if (!std::exchange(home.up, false)) return;
    Life& life = home.life();
    troupe::test::kill_all(life.node);
    life.outside.release();
    life.dht = {};
    stage.run_for(100ms);
    base::Random dice(home.number);
    home.disk.crash(dice);
  }
  /// As its root does when it is told to end: the DHT first, then the store.
  void end(std::size_t i) {
    inside(i, [](Scripted& self) {
      const auto stop = [&self](const char* path) {
        self.send(self.node().find(path), runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
      };
      self.on_down = [stop](const runtime::Handle&, const auto&) { stop("/store"); };
      self.watch(self.node().find(kPath));
      stop(kPath);
    });
    stage.run_for(5s);
    kill(i);
  }
  void restart(std::size_t i) {
    kill(i);
    begin(i);
    stage.run_for(5s);
  }

  /// Runs `what` in a handler of an actor of that node.
  void inside(std::size_t i, std::function<void(Scripted&)> what) {
    members[i]->life().outside.run(members[i]->life().node, std::move(what));
    stage.settle();
  }

  /// Asks an actor of the node itself.
  template <class Q, class A>
  std::optional<Error> ask(std::size_t i, std::function<void(typename Q::Builder)> fill,
                           std::function<void(typename A::Reader)> take = {}, const char* path = kPath) {
    return ask_of<Q, A>(
        i, [path](Scripted& self) { return self.node().find(path); }, fill, take);
  }
  /// As one node asks the DHT of another.
  template <class Q, class A>
  std::optional<Error> ask_from(std::size_t asker, std::size_t of, std::function<void(typename Q::Builder)> fill,
                                std::function<void(typename A::Reader)> take = {}) {
    const auto whom = [this, of](Scripted& self) { return self.node().reach(members[of]->where(), kPath); };
    return ask_of<Q, A>(asker, whom, fill, take, 20s);  // no longer, or it goes over a link
  }
  /// As an operator's command, which has time.
  template <class Q, class A>
  std::optional<Error> ask_of(std::size_t i, std::function<runtime::Handle(Scripted&)> whom,
                              std::function<void(typename Q::Builder)> fill,
                              std::function<void(typename A::Reader)> take = {}, base::Duration within = 300s) {
    auto over = std::make_shared<bool>(false);
    auto error = std::make_shared<std::optional<Error>>();
    inside(i, [=](Scripted& self) {
      self.ask<Q, A>(whom(self), self.now() + within, fill, [=](runtime::Answer<A> answer) {
        *over = true;
        if (!answer.ok()) *error = answer.error();
        else if (take) take(answer.value());
      });
    });
    if (!stage.run_until([&] { return *over; }, within + 1s)) return Error{Code::internal, "nobody answered the test"};
    return *error;
  }

  struct Stored {
    std::optional<Error> error;
    Key key;
    std::uint64_t sequence = 0;
    unsigned stored = 0, asked = 0;
  };
  Stored put(std::size_t i, Space space, std::string_view name, std::string_view value,
             std::function<void(wire::Put::Builder)> more = {}) {
    Stored out;
    out.error = ask<wire::Put, wire::PutDone>(
        i,
        [&](wire::Put::Builder order) {
          order.setSpace(static_cast<std::uint8_t>(space));
          order.setName(data_of(base::as_bytes(name)));
          order.setValue(data_of(base::as_bytes(value)));
          if (more) more(order);
        },
        [&](wire::PutDone::Reader done) {
          out.key = *read_key(done.getKey());
          out.sequence = done.getSequence();
          out.stored = done.getSearch().getStored();
          out.asked = done.getSearch().getStores();
        });
    return out;
  }
  struct Got {
    std::optional<Error> error;
    std::string value;
    bool sealed = false;
    std::uint64_t sequence = 0;
    unsigned holders = 0, asked = 0;
    std::string ending;
  };
  Got get(std::size_t i, Space space, const Key& key, std::function<void(wire::GetValue::Builder)> more = {}) {
    Got out;
    out.error = ask<wire::GetValue, wire::GotValue>(
        i,
        [&](wire::GetValue::Builder question) {
          question.setSpace(static_cast<std::uint8_t>(space));
          question.setKey(data_of(key.view()));
          if (more) more(question);
        },
        [&](wire::GotValue::Reader got) {
          out.value = text(bytes_of(got.getValue()));
          out.sealed = got.getSealed();
          out.sequence = got.getSequence();
          out.holders = got.getSearch().getHolders();
          out.asked = got.getSearch().getAsked();
          out.ending = text_of(got.getSearch().getEnding());
        });
    return out;
  }
  /// Announces a content from now on, as `/files/announce` does.
  std::optional<Error> provide(std::size_t i, const base::Digest& cid) {
    std::optional<Error> untaken;
    auto why = ask<wire::Search, wire::SearchResult>(
        i,
        [&](wire::Search::Builder search) {
          search.setKey(data_of(dht::key_of(cid).view()));
          search.getGoal().setProvide();
          search.setKeep(true);
        },
        [&](wire::SearchResult::Reader result) { untaken = store_error(result); });
    return why ? why : untaken;
  }
  std::set<base::NodeId> providers(std::size_t i, const base::Digest& cid, std::uint16_t most = 20) {
    std::set<base::NodeId> out;
    bool over = false;
    inside(i, [&](Scripted& self) {
      providers_ = self.subscribe<wire::FindProviders, wire::FoundProviders>(
          self.node().find(kPath), 300s,
          [&](wire::FindProviders::Builder question) {
            question.setCid(data_of(cid.view()));
            question.setProvidersMax(most);
          },
          [&](wire::FoundProviders::Reader found) {
            for (const Contact& one : own_contacts(found.getProviders())) out.insert(one.id);
          },
          [&](base::Result<void, Error>) { over = true; });
    });
    stage.run_until([&] { return over; }, 301s);
    return out;
  }
  struct Seen {
    base::NodeId id;
    std::uint64_t ms = 0;
  };
  std::vector<Seen> table(std::size_t i) {
    std::vector<Seen> out;
    ask<wire::GetTable, wire::TableRows>(
        i, [](auto) {},
        [&](wire::TableRows::Reader rows) {
          for (const auto bucket : rows.getBuckets())
            for (const auto one : bucket.getContacts()) {
              const base::Contact where = messages::read_contact(one.getContact());
              out.push_back({crypto::node_id(where.key, where.nonce), one.getLastSeenMs()});
            }
        });
    return out;
  }
  bool lists(std::size_t i, std::size_t other) {
    return std::ranges::any_of(table(i), [&](const Seen& one) { return one.id == members[other]->id(); });
  }
  struct State {
    std::uint64_t records = 0, announcements = 0, searches = 0, searched = 0, refused = 0, find_values = 0;
    unsigned contacts = 0;
    bool client = false;
    std::uint64_t unanswered = 0;
  };
  State state(std::size_t i) {
    State out;
    ask<runtime::wire::Describe, wire::DhtState>(
        i, [](auto) {},
        [&](wire::DhtState::Reader one) {
          out = {one.getRecords(),    one.getAnnouncements(), one.getSearches(), one.getSearched(),  one.getRefused(),
                 one.getFindValues(), one.getContacts(),      one.getClient(),   one.getUnanswered()};
        });
    return out;
  }
  /// What a node answers to the question for a place, asked by another one.
  std::string held(std::size_t asker, std::size_t of, Space space, const Key& key) {
    std::string out;
    ask_from<wire::FindValue, wire::FoundValue>(
        asker, of,
        [&](wire::FindValue::Builder question) {
          question.setSpace(static_cast<std::uint8_t>(space));
          question.setKey(data_of(key.view()));
        },
        [&](wire::FoundValue::Reader found) { out = text(bytes_of(found.getRecord())); });
    return out;
  }
  Token token(std::size_t asker, std::size_t of) {
    Token out;
    ask_from<wire::FindNode, wire::Nodes>(
        asker, of, [&](wire::FindNode::Builder question) { question.setTarget(data_of(members[of]->id().view())); },
        [&](wire::Nodes::Reader nodes) { out = Token::from(bytes_of(nodes.getToken())).value_or(Token{}); });
    return out;
  }
  struct StoreAnswer {
    std::optional<Error> error;
    wire::StoreDone::Result result = wire::StoreDone::Result::BAD;
    std::uint64_t present = 0;
    std::string why;
  };
  StoreAnswer store(std::size_t asker, std::size_t of, const Key& key, const base::Bytes& record, base::ByteView token,
                    std::optional<std::uint64_t> expected = {}) {
    StoreAnswer out;
    out.error = ask_from<wire::Store, wire::StoreDone>(
        asker, of,
        [&](wire::Store::Builder order) {
          write_asker(order.initAsker(), members[asker]->settings);
          order.setToken(data_of(token));
          order.setKey(data_of(key.view()));
          order.setRecord(data_of(record));
          if (expected) order.getExpected().setSequence(*expected);
        },
        [&](wire::StoreDone::Reader done) {
          out.result = done.getResult();
          out.present = done.getPresent();
          out.why = text_of(done.getWhy());
        });
    return out;
  }
  StoreAnswer store(std::size_t asker, std::size_t of, const Record& record,
                    std::optional<std::uint64_t> expected = {}) {
    return store(asker, of, key_of(record), encode(record), token(asker, of).view(), expected);
  }
  /// The paths of all actors of a node.
  std::vector<std::string> paths(std::size_t i) {
    std::vector<std::string> out;
    members[i]->life().node.registry().walk([&](const runtime::Listing& one) {
      out.emplace_back(one.path);
      return true;
    });
    return out;
  }
  bool has_path(std::size_t i, std::string_view begin) {
    return std::ranges::any_of(paths(i), [&](const std::string& one) { return one.starts_with(begin); });
  }
  /// A /kv of node `i` that lasts for two days from now.
  KvRecord signed_by(std::size_t i, std::uint64_t sequence, std::string_view value, std::string_view name = "orders") {
    KvRecord out;
    out.sequence = sequence;
    out.created = wall();
    out.expires = wall() + kLifetimeDefault;
    out.name = bytes_of(name);
    out.value = bytes_of(value);
    return sign(members[i]->identity->key(), out);
  }
  base::WallTime wall() { return members[0]->lives.back()->ports.world().clock.wall(); }
  std::vector<std::string> failures() const {
    std::vector<std::string> out;
    for (const auto& member : members)
      for (const auto& life : member->lives) out.insert(out.end(), life->failures.begin(), life->failures.end());
    return out;
  }
  void cut(std::size_t from, std::size_t to) { fabric->cut(members[from]->at.address, members[to]->at.address); }

  sim::Stage stage;
  std::shared_ptr<sim::Fabric> fabric;
  std::vector<std::unique_ptr<ClusterNode>> members;

 private:
  runtime::Subscription providers_;
  void begin_net(ClusterNode& home, Life& life) {
    net::NetSetup setup;
    setup.terms.work_bits = 0;
    setup.identity = home.identity;
    setup.listen = base::HostPort::parse(home.at.text());
    setup.channels = [&chance = life.node.world().chance](crypto::Side side) {
      return std::make_unique<sim::OpenChannel>(side, chance);
    };
    setup.agree = [own = home.identity->public_key()](const base::PublicKey& other) {
      return sim::open_keys(own, other);
    };
    life.pool = std::make_shared<net::Pool>(life.node, setup);
    life.datagrams = std::make_shared<net::Datagrams>(life.pool);
    life.node.remotes = [pool = life.pool.get()](const base::NodeId& id, const std::string& path) {
      return pool->remote(id, path);
    };
    life.node.reaches = [table = life.datagrams.get()](const base::Contact& contact, const std::string& path) {
      return table->proxy(contact, path);
    };
    life.node.start("links", [&life] {
      return std::make_unique<net::LinksActor>(life.pool, [](const base::Outcome<base::Endpoint>&) {});
    });
    stage.settle();  // which knows its port from then on
    net::DatagramsActor::Setup datagrams{.pool = life.pool, .table = life.datagrams, .limits = {}};
    datagrams.limits.work_bits = 0;
    life.node.start("datagrams", [datagrams] { return std::make_unique<net::DatagramsActor>(datagrams); });
  }
  void know(std::size_t self, runtime::Handlers& on) {
    on.ask<net::wire::WhereIs, net::wire::Whereabouts>(
        [this](net::wire::WhereIs::Reader question, runtime::Reply<net::wire::Whereabouts> reply) {
          const auto id = base::NodeId::from(bytes_of(question.getNode()));
          for (const auto& member : members)
            if (member->id() == id)
              return reply.send([&](net::wire::Whereabouts::Builder out) {
                messages::write_contact(out.initContact(), member->where());
              });
          reply.refuse({Code::not_found, "nobody of that name"});
        });
    on.ask<peers::wire::WhereAmI, peers::wire::OwnPlace>(
        [this, self](auto, runtime::Reply<peers::wire::OwnPlace> reply) {
          const base::Contact own{members[self]->identity->public_key(), members[self]->identity->nonce(),
                                  members[self]->seen_at};
          reply.send([&](peers::wire::OwnPlace::Builder out) { messages::write_contact(out.initContact(), own); });
        });
    on.tell<net::wire::Misbehaved>([this, self](net::wire::Misbehaved::Reader report) {
      members[self]->accused.emplace_back(*read_key(report.getNode()), report.getHow());
    });
    on.ask<peers::wire::ListKnown, peers::wire::KnownContacts>(
        [this, self](auto, runtime::Reply<peers::wire::KnownContacts> reply) {
          reply.send([&](peers::wire::KnownContacts::Builder out) {
            out.setUntried(members[self]->untried);
            const auto& known = members[self]->knows;
            auto list = out.initList(static_cast<unsigned>(known.size()));
            unsigned at = 0;
            for (const std::size_t one : known) messages::write_contact(list[at++], members[one]->where());
          });
        });
  }
};

/// Writes rows into the store of a node, as one who can write to its disk does.
inline void write_rows(DhtCluster& cluster, std::size_t i, std::string_view keyspace,
                       const std::vector<store::Row>& rows) {
  const auto why = cluster.ask<store::wire::Commit, messages::wire::Nothing>(
      i,
      [&](store::wire::Commit::Builder out) {
        auto list = out.initRows(static_cast<unsigned>(rows.size()));
        for (unsigned k = 0; k < list.size(); ++k) {
          list[k].setKeyspace(std::string(keyspace));
          list[k].setKey(data_of(rows[k].key));
          list[k].getValue().setPut(data_of(rows[k].value));
        }
      },
      {}, "/store");
  REQUIRE_FALSE(why);
}
inline std::size_t rows_in(DhtCluster& cluster, std::size_t i, std::string_view keyspace) {
  std::size_t rows = 0;
  cluster.ask<store::wire::Scan, store::wire::Slice>(
      i,
      [&](store::wire::Scan::Builder scan) {
        scan.setKeyspace(std::string(keyspace));
        scan.setRowsMax(4'096);
      },
      [&](store::wire::Slice::Reader slice) { rows = slice.getRows().size(); }, "/store");
  return rows;
}
inline std::optional<Error> announce(DhtCluster& cluster, std::size_t asker, std::size_t of, const Key& key,
                                     const Token& token) {
  return cluster.ask_from<wire::AddProvider, wire::Added>(asker, of, [&](wire::AddProvider::Builder out) {
    write_asker(out.initAsker(), cluster[asker].settings);
    out.setToken(data_of(token.view()));
    out.setKey(data_of(key.view()));
  });
}
inline std::optional<Code> code(const std::optional<Error>& error) {
  return error ? std::optional(error->code) : std::nullopt;
}

}  // namespace troupe::dht::test

#pragma once
// What the screens show and how keys change it: a plain struct, without terminal, thread or node.
//
// In     News of nodes (from a feed), keys, and the time. Out: a Grid (draw.hpp), what to ask next (wants()), and what
//        to do (orders).
// Limits messages kMessagesMax, sparklines kHistoriesMax; what was dropped is counted and shown.
// Owner  the loop in run.cpp; not thread-safe.
#include <set>
#include <utility>

#include "apps/inspect/screens/data.hpp"
#include "apps/inspect/screens/grid.hpp"
#include "apps/inspect/screens/keys.hpp"

namespace troupe::apps::screens {

inline constexpr std::size_t kMessagesMax = 5'000;   // our choice: what a person may look through
inline constexpr std::size_t kHistoriesMax = 4'000;  // of actors; our choice: a few lists
inline constexpr std::size_t kHistory = 60;          // values of one sparkline
inline constexpr std::size_t kPlacesMax = 32;        // views behind each other
inline constexpr std::size_t kNodesMax = 64;         // a screen of lines; our choice

struct Model;

/// What a view wants to be asked for, of each refresh.
struct Wants {
  bool actors = false, ended = false, peers = false, links = false, log = false, table = false;
  bool busiest = false;          ///< actors by their messages a second, whatever the filter
  bool by_path = false;          ///< actors in the order of their paths, as many as there are
  std::string_view screen = {};  ///< of a domain (tables.hpp); empty: none
  bool operator==(const Wants&) const = default;
};

/// What a view shows: a table, or lines of text if it has no columns.
struct Content {
  struct Column {
    std::string title;
    bool right = false;
    int keep = 0;           ///< where the screen is narrow the smallest ones are left out first
    std::string sort = {};  ///< the field of observe/logic/row.hpp that it is sorted by; empty: it is not
    bool flexible = false;  ///< is cut before another column is left out
  };
  struct Row {
    std::vector<std::string> cells;  ///< one a column; of text: one
    Style style = Style::plain;
    std::string key = {};   ///< what it is of: a path, a node; keeps the selection at its row
    std::string copy = {};  ///< the command that shows it again
  };
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::string title;      ///< of what; above the rows
  std::string empty;      ///< what a screen without rows says
  bool wraps = true;      ///< long rows of a text take several lines; otherwise they are cut
  bool filtered = false;  ///< by the node or the view: content() leaves the rows as they are
};

/// What a node has answered for a table of a domain.
struct TableRows {
  std::string_view table = {};  ///< its name, and what was typed after it
  std::string subject = {};
  std::vector<Content::Row> rows;
  std::string title = {};
  std::string error = {};  ///< why there are no rows
};

struct View {
  std::string_view name;  ///< as typed after ':'
  std::string_view doc;   ///< one line of help
  Wants wants;
  Content (*show)(const Model& model);
  void (*enter)(Model& model, const Content::Row& row) = nullptr;
  bool (*key)(Model& model, const std::string& key, const Content::Row* row) = nullptr;  ///< true if it was taken
  std::string_view keys = "";  ///< those of its own, for the last line and help: "enter open"
  std::string_view live = "";  ///< more of them, which only a live node has: "m messages"
};

/// All views, in the order of help; to add one: README.md.
const std::vector<View>& views();
const View* find_view(std::string_view name);
/// Keys of the view, as they apply: in a recorded or simulated world without those of live nodes.
std::string keys_of(const View& view, bool live);

/// What the loop is to do for the user.
struct Order {
  enum class What : std::uint8_t {
    trace,   ///< messages of the actors that the filter `subject` selects, of the node shown
    follow,  ///< messages of the trace `subject` (16 hexadecimal digits), of all nodes
    flows,   ///< messages of the actors that the filter `subject` selects, of the node shown, for a second
    stop,    ///< ends these
    restart,
    kill,
    pause,
    resume,
    drain,
    log_level,  ///< `subject`: "debug" or "debug links"
    move,       ///< in time, of a recorded world: `subject` is how (Moves)
    steer,      ///< changes the future of a world: "cut n1 n2"
    save,       ///< the screen as text, into the file `subject`
    capture,    ///< all that is known here into the file `subject`; empty: one named after it
    quit,
  };
  What what;
  std::string subject = {};
  std::size_t node = 0;
  std::uint64_t number = 0;  ///< of a trace, follow or flows: its messages bear this number
};
/// Whether it changes the node, so that it needs --operate and a yes.
bool changes(Order::What what);
std::string_view name(Order::What what);

/// What a feed has learnt; only what was asked for is there.
struct News {
  std::size_t node = 0;
  std::optional<std::string> named;
  std::optional<Status> status;
  std::optional<ActorList> actors;
  std::optional<std::vector<EndedRow>> ended;
  std::uint64_t ended_in_all = 0;
  std::optional<std::vector<PeerRow>> peers;
  std::optional<std::vector<LinkRow>> links;
  std::uint64_t handshakes = 0;
  struct LogLines {
    std::uint64_t first = 0;
    std::vector<std::string> lines;
  };
  std::optional<LogLines> log;
  std::optional<RoutingTable> table;
  std::optional<FileMap> file;
  std::optional<TableRows> table_rows;
  std::optional<Look> look;
  std::optional<std::string> look_error;
  std::vector<Message> messages;
  std::uint64_t messages_dropped = 0;  ///< by the node, since the trace began
  std::optional<std::string> trace_ended;
  std::optional<std::string> lost;
  std::optional<std::string> said;  ///< the outcome of an order, for the last line but one
  bool bad = false;                 ///< it failed
};

/// Where a world stands that can be moved in.
struct TimeState {
  std::uint64_t event = 0, events = 0;
  base::Duration at{0};
  std::string what;     ///< the last event
  std::string verdict;  ///< of the whole run; empty: the first run is still under way
  bool playing = false;
  bool steered = false;  ///< by hand, so that it is not the world of its seed
  double speed = 1;      ///< virtual seconds a second
};

/// What is typed as a filter of actors, in the language of observe/logic/filter.hpp: a word without an operator, such as
/// `store` or `/store`, selects the actors that have it in their path or kind.
std::string actor_filter(const std::string& typed);
/// Whether each word of the filter is in one of the cells, in small or capital letters.
bool selects(std::string_view filter, const std::vector<std::string>& cells);

struct Place {
  std::string view;
  std::string subject = {};            ///< a path, a trace, …
  std::string selected = {};           ///< the key of the row
  std::size_t at = 0;                  ///< its number
  std::size_t top = 0;                 ///< the first row on the screen
  int left = 0;                        ///< the first column on the screen
  std::uint64_t order = 0;             ///< the number of the order whose messages it shows
  std::string filter = {};             ///< as typed
  std::vector<std::string> page = {};  ///< of the view `row`: its text
};

struct Model {
  explicit Model(bool may_operate = false) : operate(may_operate) {}

  // -- in
  void take(const News& news, base::Instant at);
  void key(const Key& key);
  void tick(base::Instant at) { now = at; }
  void resize(Size to) { size = to; }

  // -- out
  Wants wants() const;
  /// The actor to look at; empty: none.
  std::string looks_at() const;
  /// The actor that is open or selected; empty: none.
  std::string actor_at() const;
  /// What was typed after the name of the table that is shown; empty also for none.
  std::string table_subject() const { return wants().screen.empty() ? "" : place().subject; }
  /// The cid of the file whose parts are shown; empty: none.
  std::string file_shown() const;
  std::vector<Order> take_orders() { return std::exchange(orders, {}); }

  // -- for views
  const NodeData& shown() const { return nodes[node]; }
  const Place& place() const { return places.back(); }
  const std::string& filter() const { return places.back().filter; }
  /// The filter in the language of the node.
  std::string actor_filter() const { return screens::actor_filter(filter()); }
  /// After news: the selection stays at what it was of. Once for all of them.
  void settle();
  void open(std::string view, std::string subject = {});
  void back();
  void order(Order::What what, std::string subject);
  /// Opens the view of that order, empties the buffer of messages and begins to trace.
  void trace(Order::What what, std::string subject);
  /// Asks again for the messages that the current place shows.
  void trace_again(Order::What what);
  void say(std::string text, Style style = Style::plain) { said = std::move(text), said_style = style; }
  /// Messages a second of an actor of the node shown, one value a refresh.
  const std::deque<double>* history(const std::string& path) const;
  /// The message of that number; null if it is no longer kept.
  const Message* message(std::uint64_t number) const;

  bool operate = false;
  Size size{};
  base::Instant now;
  std::vector<NodeData> nodes{1};
  std::map<std::size_t, TableRows> tables;  ///< the latest table of each node
  std::size_t node = 0;                     ///< the one shown
  std::vector<Place> places{{.view = "overview"}};

  std::string top;        ///< the column that actors are sorted by; empty: by path
  bool reversed = false;  ///< that order
  bool paused = false;
  bool own = false;     ///< shows the inspector's own actors, too
  bool totals = false;  ///< counts since the start in place of rates
  bool raw = false;     ///< bytes of messages in place of fields
  std::set<std::string> folded;

  std::optional<TimeState> time;

  std::deque<Message> messages;
  std::uint64_t messages_dropped = 0;         ///< by nodes, and here above the limit
  std::string tracing;                        ///< what is traced now; empty: nothing
  std::map<std::string, Look> looked_before;  // by the number of the node and the path
  /// What later looks at an actor of that path are compared with, at this node or another one, until `d` again.
  struct Mark {
    std::string where;  ///< "n1 at event 3087"
    Look look;
  };
  std::optional<Mark> mark;

  enum class Mode : std::uint8_t { browse, filter, command, confirm };
  Mode mode = Mode::browse;
  std::string line;    ///< what is typed
  std::string prompt;  ///< what is to be confirmed
  std::string said;
  Style said_style = Style::plain;

 private:
  void typed(const Key& key);
  void browse(const Key& key);
  bool move_in_time(const std::string& text);
  void character(const std::string& text);
  void entered();
  void recall(long by);
  void type_into(Mode to, std::string text = {});
  void complete();
  void run(const std::string& command);
  void move(long by);
  void move_to(std::size_t row);
  void sideways(int step);
  void sort_by(const Content& rows, int step);
  void open_row(const Content& rows);
  void note_history(const NodeData& data);

  std::vector<Order> orders;
  std::optional<Order> asked;                             ///< to be confirmed
  std::map<Mode, std::vector<std::string>> lines_before;  // of filters and of commands, the latest last
  std::size_t recalled = 0;                               // lines back from the latest; 0: none
  std::string typed_first;                                // the line before the first one was recalled
  std::uint64_t messages_ever = 0;
  std::uint64_t traces_ever = 0;
  std::map<std::string, std::deque<double>> histories;
};

/// Rows of the current view, with the filter applied where the node does not.
Content content(const Model& model);
/// Rows that the list of a screen of this size shows.
std::size_t rows_shown(Size size);

}  // namespace troupe::apps::screens

#pragma once
// The state of the screens, and how keys change it: a plain struct, without terminal, thread or node.
//
// In     News from nodes (by a feed), keys, and the time. Out: a Grid (draw.hpp), the next requests (wants()), and
//        orders to execute. Limits: kMessagesMax messages, kHistoriesMax sparklines; dropped messages are counted and
//        shown.
// Owner  the loop in run.cpp; not thread-safe.
#include <set>
#include <utility>

#include "apps/inspect/screens/data.hpp"
#include "apps/inspect/screens/grid.hpp"
#include "apps/inspect/screens/keys.hpp"

namespace troupe::apps::screens {

inline constexpr std::size_t kMessagesMax = 5'000;   // our choice: as many as a person may read through
inline constexpr std::size_t kHistoriesMax = 4'000;  // our choice: actors of several lists
inline constexpr std::size_t kHistory = 60;          // values of one sparkline
inline constexpr std::size_t kPlacesMax = 32;        // views in the history of `esc`
inline constexpr std::size_t kNodesMax = 64;         // a screen of lines; our choice

struct Model;

/// The data that a view needs at each refresh.
struct Wants {
  bool actors = false, ended = false, peers = false, links = false, log = false, table = false;
  bool busiest = false;          ///< actors sorted by messages per second, without the filter
  bool by_path = false;          ///< actors in the order of their paths, without a limit of rows
  std::string_view screen = {};  ///< name of a domain's table (tables.hpp); empty: none
  bool operator==(const Wants&) const = default;
};

/// The contents of a view: a table, or lines of text if it has no columns.
struct Content {
  struct Column {
    std::string title;
    bool right = false;
    int keep = 0;           ///< on a narrow screen the columns with the smallest value are left out first
    std::string sort = {};  ///< field of observe/logic/row.hpp to sort by; empty: none
    bool flexible = false;  ///< the column is cut before another column is left out
  };
  struct Row {
    std::vector<std::string> cells;  ///< one per column; of text: one
    Style style = Style::plain;
    std::string key = {};   ///< subject of the row: a path, a node; keeps the selection on its row
    std::string copy = {};  ///< command that shows it again
  };
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::string title;      ///< heading above the rows
  std::string empty;      ///< text of a screen without rows
  bool wraps = true;      ///< long rows of a text take several lines; otherwise they are cut
  bool filtered = false;  ///< the node or the view has filtered the rows, so content() does not
};

/// A node's response for a table of a domain.
struct TableRows {
  std::string_view table = {};  ///< its name, and the text typed after it
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
  bool (*key)(Model& model, const std::string& key, const Content::Row* row) = nullptr;  ///< whether it handled the key
  std::string_view keys = "";  ///< its own keys, for the last line and help: "enter open"
  std::string_view live = "";  ///< more keys, for live nodes only: "m messages"
};

/// Returns all views, in the order of help; to add one: README.md.
const std::vector<View>& views();
const View* find_view(std::string_view name);
/// Returns the keys of the view: in a recorded or simulated run without the keys for live nodes.
std::string keys_of(const View& view, bool live);

/// An order of the user, which the loop executes.
struct Order {
  enum class What : std::uint8_t {
    trace,   ///< messages of the actors that the filter `subject` selects, at the node shown
    follow,  ///< messages of the trace `subject` (16 hexadecimal digits), at all nodes
    flows,   ///< messages of the actors that the filter `subject` selects, at the node shown, for a second
    stop,    ///< ends trace, follow and flows
    restart,
    kill,
    pause,
    resume,
    drain,
    log_level,  ///< `subject`: "debug" or "debug links"
    move,       ///< moves in the time of a recorded run: `subject` is how (Moves)
    steer,      ///< changes the future of a run: "cut n1 n2"
    save,       ///< the screen as text, into the file `subject`
    capture,    ///< the screens' data about the node into the file `subject`; empty: a file named after the node
    quit,
  };
  What what;
  std::string subject = {};
  std::size_t node = 0;
  std::uint64_t number = 0;  ///< for a trace, follow or flows: its messages carry this number
};
/// Whether the order changes the node, so that it needs --operate and a confirmation.
bool changes(Order::What what);
std::string_view name(Order::What what);

/// New data from a feed; only the parts that were requested are set.
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
  std::uint64_t messages_dropped = 0;  ///< messages that the node has dropped since the trace began
  std::optional<std::string> trace_ended;
  std::optional<std::string> lost;
  std::optional<std::string> said;  ///< the result of an order, for the last line but one
  bool bad = false;                 ///< whether it failed
};

/// The position in the time of a simulation run.
struct TimeState {
  std::uint64_t event = 0, events = 0;
  base::Duration at{0};
  std::string what;     ///< the current event
  std::string verdict;  ///< verdict of the whole run; empty until the first run has ended
  bool playing = false;
  bool steered = false;  ///< a person has steered the run, so it is no longer the run of its seed
  double speed = 1;      ///< virtual seconds per second
};

/// Returns the filter for a typed text, in the language of observe/logic/filter.hpp. A word without an operator, such
/// as `store` or `/store`, selects the actors that contain it in their path or kind.
std::string actor_filter(const std::string& typed);
/// Whether each word of the filter is in one of the cells, ignoring case.
bool selects(std::string_view filter, const std::vector<std::string>& cells);

struct Place {
  std::string view;
  std::string subject = {};            ///< a path, a trace, …
  std::string selected = {};           ///< the key of the row
  std::size_t at = 0;                  ///< number of the selected row
  std::size_t top = 0;                 ///< the first row on the screen
  int left = 0;                        ///< left edge: the first column on the screen
  std::uint64_t order = 0;             ///< number of the order whose messages it shows
  std::string filter = {};             ///< as typed
  std::vector<std::string> page = {};  ///< for the view `row`: its text
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
  /// Returns the path of the actor that the view shows, or an empty text.
  std::string looks_at() const;
  /// Returns the path of the actor that is open or selected, or an empty text.
  std::string actor_at() const;
  /// Returns the text typed after the name of the table that is shown; empty also if there is no table.
  std::string table_subject() const { return wants().screen.empty() ? "" : place().subject; }
  /// Returns the content id of the file whose parts are shown, or an empty text.
  std::string file_shown() const;
  std::vector<Order> take_orders() { return std::exchange(orders, {}); }

  // -- for views
  const NodeData& shown() const { return nodes[node]; }
  const Place& place() const { return places.back(); }
  const std::string& filter() const { return places.back().filter; }
  /// Returns the filter in the language of the node.
  std::string actor_filter() const { return screens::actor_filter(filter()); }
  /// Call once after all news: keeps the selection on its subject.
  void settle();
  void open(std::string view, std::string subject = {});
  void back();
  void order(Order::What what, std::string subject);
  /// Opens the view for that order, empties the message buffer and starts a trace.
  void trace(Order::What what, std::string subject);
  /// Requests the messages of the current place again.
  void trace_again(Order::What what);
  void say(std::string text, Style style = Style::plain) { said = std::move(text), said_style = style; }
  /// Returns the messages per second of an actor of the node shown, one value per refresh.
  const std::deque<double>* history(const std::string& path) const;
  /// Returns the message with that number, or null if it is no longer kept.
  const Message* message(std::uint64_t number) const;

  bool operate = false;
  Size size{};
  base::Instant now;
  std::vector<NodeData> nodes{1};
  std::map<std::size_t, TableRows> tables;  ///< the latest table of each node
  std::size_t node = 0;                     ///< the node shown
  std::vector<Place> places{{.view = "overview"}};

  std::string top;        ///< column by which actors are sorted; empty: path
  bool reversed = false;  ///< whether the sort order is reversed
  bool paused = false;
  bool own = false;     ///< whether to show the inspector's own actors
  bool totals = false;  ///< counts since the start instead of rates
  bool raw = false;     ///< bytes of messages instead of fields
  std::set<std::string> folded;

  std::optional<TimeState> time;

  std::deque<Message> messages;
  std::uint64_t messages_dropped = 0;         ///< dropped by nodes, or here above the limit
  std::string tracing;                        ///< the current subject of the trace; empty: none
  std::map<std::string, Look> looked_before;  // by node number and path
  /// The state with which states of an actor with that path are compared, at other times or nodes, until `d` is
  /// pressed again.
  struct Mark {
    std::string where;  ///< "n1 at event 3087"
    Look look;
  };
  std::optional<Mark> mark;

  enum class Mode : std::uint8_t { browse, filter, command, confirm };
  Mode mode = Mode::browse;
  std::string line;    ///< the input
  std::string prompt;  ///< the question that asks for confirmation
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
  std::optional<Order> asked;                             ///< the order that waits for confirmation
  std::map<Mode, std::vector<std::string>> lines_before;  // earlier filters and commands, the latest last
  std::size_t recalled = 0;                               // how many lines back from the latest; 0: none recalled
  std::string typed_first;                                // the input before an earlier line was recalled
  std::uint64_t messages_ever = 0;
  std::uint64_t traces_ever = 0;
  std::map<std::string, std::deque<double>> histories;
};

/// Returns the contents of the current view; applies the filter unless the node does.
Content content(const Model& model);
/// Returns the rows of a list that fit on a screen of this size.
std::size_t rows_shown(Size size);

}  // namespace troupe::apps::screens

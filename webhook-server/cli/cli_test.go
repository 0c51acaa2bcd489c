package cli_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/cli"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestWhatIsShownAtNight(t *testing.T) {
	w := serve(t)
	w.add(shopLane, store.Outcome{State: store.Delivered, Status: 204})
	w.now = w.now.Add(26*time.Hour + 3*time.Minute)
	dead := w.add(ownLane, store.Outcome{State: store.Dead, Reason: "gone", Status: 410})
	w.now = w.now.Add(90 * time.Second)
	w.add(shopLane, store.Outcome{State: store.Waiting, Reason: "timeout", NextAttempt: w.now.Add(31 * time.Second)})
	w.shows(`
ID                                     AGE     STATE       GATEWAY      MERCHANT      TOKEN   UPDATE        TRIES   REASON    NEXT
01939e5c-0000-7000-8000-000000000003   1s      Waiting     MGW_000001   40010000001   tok_3   CARD_UPDATE   1       timeout   in 30s
01939e5c-0000-7000-8000-000000000002   1m32s   Dead        MGW_000001   40010000001   tok_2   CARD_UPDATE   1       gone      -
01939e5c-0000-7000-8000-000000000001   1d2h    Delivered   MGW_000001   40010000001   tok_1   CARD_UPDATE   1       -         -
`, "notifications", "list")
	w.shows(`
ID                                     AGE     STATE   GATEWAY      MERCHANT      TOKEN   UPDATE        TRIES   REASON   NEXT
01939e5c-0000-7000-8000-000000000002   1m32s   Dead    MGW_000001   40010000001   tok_2   CARD_UPDATE   1       gone     -
`, "notifications", "list", "--state=Dead", "--received-from", "1h", "--namespace", "payments")
	w.shows(`
ID:               01939e5c-0000-7000-8000-000000000002
State:            Dead
Destination:      payments/acme/MGW_000001/40010000001
Gateway:          MGW_000001
Merchant:         40010000001
Token:            tok_2
Update type:      CARD_UPDATE
Correlation id:   c-2
Received:         2026-11-23T05:03:01Z (1m32s ago)
Attempts:         1
Last reason:      gone

ENDED                      AGE     TOOK   STATUS   REASON
2026-11-23T05:03:02.000Z   1m31s   42ms   410      gone
`, "notifications", "show", dead)
	w.shows(`
DESTINATION                            WAITING   OLDEST   DEAD   HELD BACK
payments/acme/MGW_000001               1         1s       0      -
payments/acme/MGW_000001/40010000001   0         -        1      -
`, "destinations", "list")
	w.shows("no notification matches", "notifications", "list", "--token", "tok_9")
	w.shows(`
ID                                     AGE   STATE     GATEWAY      MERCHANT      TOKEN   UPDATE        TRIES   REASON    NEXT
01939e5c-0000-7000-8000-000000000003   1s    Waiting   MGW_000001   40010000001   tok_3   CARD_UPDATE   1       timeout   in 30s
there are more: --after 01939e5c-0000-7000-8000-000000000003, or --limit 0 for all
`, "notifications", "list", "--limit", "1")
}

func TestADestinationIsPausedAndResumed(t *testing.T) {
	w := serve(t)
	w.shows("nothing waits, nothing is dead, nothing is paused (--all lists every destination)", "destinations", "list")
	w.shows(`
DESTINATION                WAITING   OLDEST   DEAD   HELD BACK
payments/acme/MGW_000001   0         -        0      paused 0s ago by file:token: their release
`, "destinations", "pause", shopLane, "--reason", "their release")
	w.now = w.now.Add(time.Hour)
	w.shows(`
DESTINATION                            WAITING   OLDEST   DEAD   HELD BACK
payments/acme/MGW_000001               0         -        0      paused 1h ago by file:token: their release; gateway paused 0s ago by file:token
payments/acme/MGW_000001/40010000001   0         -        0      gateway paused 0s ago by file:token
`, "destinations", "pause", "--whole-gateway", shopLane)
	w.shows(`
DESTINATION                            WAITING   OLDEST   DEAD   HELD BACK
payments/acme/MGW_000001               0         -        0      paused 1h ago by file:token: their release
payments/acme/MGW_000001/40010000001   0         -        0      -
`, "destinations", "resume", shopLane, "--whole-gateway")
	if _, errs, status := w.run("destinations", "resume", ownLane); status != cli.ExitFailed || !strings.Contains(errs, "not paused") {
		t.Errorf("%d %s", status, errs)
	}
	w.shows(`
DESTINATION                WAITING   OLDEST   DEAD   HELD BACK
payments/acme/MGW_000001   0         -        0      -
`, "destinations", "resume", shopLane)
}

func TestWhatIsTypedWrongIsOneLineThatNamesTheFix(t *testing.T) {
	w := serve(t)
	for _, c := range []struct {
		says string
		args []string
	}{
		{"-state", []string{"notifications", "list", "Dead", "--state"}},
		{"-no-such", []string{"notifications", "list", "--no-such"}},
		{"unexpected", []string{"notifications", "list", "Dead"}},
		{"state", []string{"notifications", "replay", "--state", "dead", "--all"}},
		{"state", []string{"notifications", "replay", "--gateway", "MGW_000001"}},
		{"all", []string{"notifications", "replay", "--state", "Dead"}},
		{"receivedFrom", []string{"notifications", "replay", "--state", "Delivered", "--gateway", "MGW_000001"}},
		{"filter", []string{"notifications", "replay"}},
		{"either", []string{"notifications", "replay", "some-id", "--state", "Dead"}},
		{"id", []string{"notifications", "show"}},
		{"id", []string{"notifications", "show", "../destinations"}},
		{"time", []string{"notifications", "list", "--received-from", "yesterday"}},
		{"-o", []string{"notifications", "list", "-o", "yaml"}},
		{"--limit", []string{"notifications", "list", "--limit", "-1"}},
		{"--server", []string{"destinations", "list", "--server", "localhost:9091"}},
		{"--token-file", []string{"destinations", "list", "--token-file", filepath.Join(t.TempDir(), "none")}},
		{"name", []string{"destinations", "pause"}},
		{"destination", []string{"destinations", "pause", "acme"}},
		{"gateway", []string{"destinations", "pause", ownLane, "--whole-gateway"}},
	} {
		out, errs, status := w.run(c.args...)
		if status != cli.ExitUsage || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.says) {
			t.Errorf("%v: %d %s%s", c.args, status, out, errs)
		}
	}
	for _, args := range [][]string{{"notifications"}, {"notifications", "lst"}, {"destinations"}} {
		if out, errs, status := w.run(args...); status != cli.ExitUsage || out != "" || !strings.Contains(errs, "list") {
			t.Errorf("%v: %d %s%s", args, status, out, errs)
		}
	}
}

func TestHelpNamesEveryFlagAndIsNoMistake(t *testing.T) {
	w := serve(t)
	for _, args := range [][]string{
		{"notifications", "list"}, {"notifications", "show"}, {"notifications", "replay"}, {"destinations", "list"}, {"destinations", "pause"}, {"destinations", "resume"},
	} {
		out, errs, status := w.run(append(args, "--help")...)
		if status != cli.ExitDone || errs != "" || !strings.HasPrefix(out, "Usage: webhook-server "+strings.Join(args, " ")) || !strings.Contains(out, "--token-file FILE\n") || strings.Contains(out, "`") {
			t.Errorf("%v: %d\n%s%s", args, status, out, errs)
		}
	}
	if out, _, status := w.run("notifications", "--help"); status != cli.ExitDone || !strings.Contains(out, "replay") {
		t.Errorf("%d %s", status, out)
	}
}

func TestAServerThatDoesNotAnswerOrIsAnother(t *testing.T) {
	w := serve(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	other := httptest.NewServer(http.RedirectHandler("https://elsewhere.example/", http.StatusFound))
	defer other.Close()
	for server, says := range map[string]string{gone.URL: "port-forward", other.URL: "302"} {
		if out, errs, status := w.run("notifications", "list", "--server", server); status != cli.ExitFailed || out != "" || !strings.Contains(errs, says) {
			t.Errorf("%d %s%s", status, out, errs)
		}
	}
	w.environment["D1GATEWAY_ADMIN_TOKEN_FILE"] = ""
	if _, errs, status := w.run("notifications", "list"); status != cli.ExitFailed || !strings.Contains(errs, "--token-file") {
		t.Errorf("without a token: %d %s", status, errs)
	}
}

func TestOnlyCommandsAreTakenFromTheServersFlags(t *testing.T) {
	for args, want := range map[string]bool{"": false, "--store x": false, "notifications list": true, "destinations": true, "serve": false} {
		if got := cli.Handles(strings.Fields(args)); got != want {
			t.Errorf("%q: %v", args, got)
		}
	}
}

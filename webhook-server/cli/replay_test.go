package cli_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/cli"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestAReplayIsCountedShownAndConfirmed(t *testing.T) {
	w := serve(t)
	ids := []string{w.add(shopLane, store.Outcome{State: store.Dead, Reason: "timeout"}), w.add(ownLane, store.Outcome{State: store.Dead, Reason: "timeout"})}
	other := w.add(shopLane, store.Outcome{State: store.Dead, Reason: "gone", Status: 410})
	w.now = w.now.Add(time.Minute)
	filter := []string{"notifications", "replay", "--state", "Dead", "--reason", "timeout"}
	for _, c := range []struct {
		what        string
		more        []string
		interactive bool
		typed       string
		status      int
		says        string
	}{
		{"a dry run", []string{"--dry-run"}, true, "", cli.ExitDone, "2 notifications: Dead, last reason timeout"},
		{"in a script", nil, false, "2\n", cli.ExitUsage, "--yes"},
		{"nothing typed", nil, true, "", cli.ExitFailed, "nothing was replayed"},
		{"yes in place of the number", nil, true, "yes\n", cli.ExitFailed, "nothing was replayed"},
		{"another number", nil, true, "22\n", cli.ExitFailed, "nothing was replayed"},
	} {
		w.interactive, w.typed = c.interactive, c.typed
		out, errs, status := w.run(append(filter, c.more...)...)
		if status != c.status || !strings.Contains(out+errs, c.says) || !strings.Contains(out, ids[0]) || strings.Contains(out, other) {
			t.Errorf("%s: %d\n%s%s", c.what, status, out, errs)
		}
		for _, id := range ids {
			if w.state(id) != store.Dead {
				t.Fatalf("%s: it was replayed", c.what)
			}
		}
	}
	w.interactive, w.typed = true, "2\n"
	if out, errs, status := w.run(filter...); status != cli.ExitDone || !strings.HasSuffix(out, "2 notifications replayed\n") {
		t.Errorf("confirmed: %d\n%s%s", status, out, errs)
	}
	if w.state(ids[0]) != store.Waiting || w.state(ids[1]) != store.Waiting || w.state(other) != store.Dead {
		t.Error("not those, or more, were replayed")
	}
	w.shows("0 notifications: Dead, last reason timeout", filter...)
	w.interactive = false
	out, errs, status := w.run("notifications", "replay", "--state", "Dead", "--all", "--yes", "-o", "json")
	var result wire.Replayed
	if err := json.Unmarshal([]byte(out), &result); err != nil || status != cli.ExitDone || result.Replayed != 1 || !result.Done {
		t.Errorf("as JSON: %d\n%s%s", status, out, errs)
	}
}

func TestAReplayToAPausedDestinationSaysThatItWaits(t *testing.T) {
	w := serve(t)
	w.add(shopLane, store.Outcome{State: store.Dead, Reason: "gone"})
	w.now = w.now.Add(time.Minute)
	filter := []string{"notifications", "replay", "--state", "Dead", "--all", "--dry-run"}
	for _, c := range []struct {
		lane   string
		paused bool
		args   []string
	}{{shopLane, true, filter}, {ownLane, false, append([]string{"notifications", "replay", "--state", "Dead", "--dry-run", "--destination"}, shopLane)}} {
		if _, errs, status := w.run("destinations", "pause", c.lane); status != cli.ExitDone {
			t.Fatal(errs)
		}
		if _, errs, _ := w.run(c.args...); strings.Contains(errs, "is paused") != c.paused {
			t.Errorf("%s is paused: %s", c.lane, errs)
		}
		if _, errs, status := w.run("destinations", "resume", c.lane); status != cli.ExitDone {
			t.Fatal(errs)
		}
	}
}

func TestNotificationsAreReplayedByTheirIDs(t *testing.T) {
	w := serve(t)
	a, b := w.add(shopLane, store.Outcome{State: store.Dead, Reason: "gone"}), w.add(ownLane, store.Outcome{State: store.Delivered, Status: 204})
	w.now = w.now.Add(time.Minute)
	w.shows(a+" replayed\n"+b+" replayed", "notifications", "replay", a, b)
	w.shows(a+" is being delivered now, or due already", "notifications", "replay", a)
	if _, errs, status := w.run("notifications", "replay", "none"); status != cli.ExitFailed || !strings.Contains(errs, "none") {
		t.Errorf("%d %s", status, errs)
	}
}

// TestAReplayThatBreaksOffGoesOn: the server does one replay and its answer is lost, then it is away for a moment.
func TestAReplayThatBreaksOffGoesOn(t *testing.T) {
	w := serve(t)
	id := w.add(shopLane, store.Outcome{State: store.Dead, Reason: "gone"})
	w.now = w.now.Add(time.Minute)
	replays := 0
	w.calls = func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/replays" {
			return false
		}
		if replays++; replays == 2 {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusServiceUnavailable)
			_, _ = rw.Write([]byte(`{"error":"half-way","replayed":41,"at":"2026-11-22T03:01:01Z"}`))
			return true
		}
		return false
	}
	out, errs, status := w.run("notifications", "replay", "--state", "Dead", "--all", "--yes")
	if status != cli.ExitDone || out != "42 notifications replayed\n" || w.state(id) != store.Waiting {
		t.Errorf("%d %s%s", status, out, errs)
	}
}

package serving_test

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

var (
	someHosts   = []string{"", "one.example", "two.example", "three.example"}
	someClients = []string{"is_a", "is_b", "is_c", "is_d"}
)

// answers writes down what a snapshot finds of the worlds that randomUpdate makes.
func answers(s *serving.Snapshot) []string {
	var all []string
	note := func(kind, key string, c *serving.Client) {
		if c != nil {
			all = append(all, fmt.Sprint(kind, key, ": ", c.Name, " of ", c.Gateway.Name, " ", c.Gateway.Generation, c.Suspended, c.Scopes))
		}
	}
	for _, host := range someHosts {
		for _, path := range []string{fixture.TokenPath, fixture.IssuerTokenPath} {
			all = append(all, fmt.Sprint(host, path, s.IsTokenPath(host, path)))
			for _, id := range someClients {
				note("client ", host+path+id, s.Client(host, path, id))
			}
		}
	}
	for _, g := range s.Gateways() {
		all = append(all, fmt.Sprint("gateway ", g.Name, g.Generation))
		for _, id := range someClients {
			note("client of ", g.Name+id, s.ClientOf(g, id))
		}
	}
	listed := map[string]int{}
	for c := range s.Clients() {
		listed[c.Name+" of "+c.Gateway.Name]++
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		all = append(all, fmt.Sprint("listed ", name, listed[name]))
	}
	for _, g := range s.Draining() {
		all = append(all, "draining "+g.Name)
	}
	return append(all, fmt.Sprint("incomplete ", s.Incomplete()))
}

// randomUpdate changes, deletes or spoils one of three gateways and eight clients, which have ids and hosts in common.
func randomUpdate(t *testing.T, w *fixture.World, r *rand.Rand, generation int) serving.Update {
	var d api.Document
	if n := r.IntN(3); r.IntN(4) == 0 {
		gateway := *w.Gateway
		gateway.Name = fmt.Sprint("g", n)
		gateway.GatewayID = fmt.Sprintf("MGW_00000%d", r.IntN(3))
		gateway.Generation, gateway.Draining = int64(generation), r.IntN(4) == 0
		for _, host := range someHosts[1:] {
			if r.IntN(2) == 0 {
				gateway.Hostnames = append(gateway.Hostnames, host)
			}
		}
		slices.Sort(gateway.Hostnames)
		gateway.TokenEndpoints = gateway.TokenEndpoints[r.IntN(2):]
		d = &gateway
	} else {
		client := *w.Client
		client.Name, client.Gateway = fmt.Sprint("c", r.IntN(8)), fmt.Sprint("g", n)
		client.ClientID, client.Suspended = someClients[r.IntN(4)], r.IntN(2) == 0
		d = &client
	}
	u := encode(t, d)
	switch r.IntN(6) {
	case 0:
		u.Data = nil
	case 1:
		u.Data = []byte("{")
	}
	return u
}

func TestASnapshotMadeFromTheOneBeforeAnswersAsOneMadeAnewAndChangesNoOther(t *testing.T) {
	w := fixture.New(t)
	quiet := slog.New(slog.DiscardHandler)
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 1))
		state := serving.NewState(quiet)
		latest := map[string]serving.Update{}
		for n := range 3 {
			secrets := *w.Secrets
			secrets.Name = fmt.Sprint("g", n)
			latest[secrets.ObjectName()] = encode(t, &secrets)
		}
		state.Apply(slices.Collect(maps.Values(latest)))
		var before *serving.Snapshot
		var had []string
		for step := range 50 {
			batch := map[string]serving.Update{}
			for range 1 + r.IntN(3) {
				u := randomUpdate(t, w, r, step+1)
				batch[u.Object] = u
			}
			for object, u := range batch {
				// What a new state cannot know is the last good version: it is given what is good only.
				if string(u.Data) != "{" {
					latest[object] = u
				}
			}
			state.Apply(slices.Collect(maps.Values(batch)))
			if before != nil && !slices.Equal(answers(before), had) {
				t.Fatalf("seed %d, step %d: a snapshot that was published has changed", seed, step)
			}
			before = state.Snapshot()
			had = answers(before)

			anew := serving.NewState(quiet)
			anew.Apply(slices.Collect(maps.Values(latest)))
			want := answers(anew.Snapshot())
			if got := had[:len(had)-1]; !slices.Equal(got, want[:len(want)-1]) {
				t.Fatalf("seed %d, step %d:\n%q\nanew:\n%q", seed, step, got, want)
			}
		}
	}
}

package serving_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// unreadable is a version of the object that an older server cannot decode.
func unreadable(d api.Document) serving.Update {
	return serving.Update{Object: d.Head().ObjectName(), Data: []byte(`{"format":"d1gateway.io/v1","newField":true}`)}
}

func TestADocumentWhoseNewestVersionIsRefusedStaysAProblemWhateverIsCompiledOfTheLastGoodOne(t *testing.T) {
	w := fixture.New(t)
	start := []serving.Update{encode(t, w.Secrets), encode(t, w.Gateway)}
	w.Secrets.SigningKeys[0].TokensUntil = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	secrets := encode(t, w.Secrets)
	gateway, noSecrets := unreadable(w.Gateway), serving.Update{Object: w.Secrets.ObjectName()}
	w.Gateway.AccessTokenSeconds++
	next := encode(t, w.Gateway)
	w.Gateway.SigningKeys = []string{"of-newer-secrets"}
	names := encode(t, w.Gateway)
	for name, tc := range map[string]struct {
		batches [][]serving.Update
		want    []api.Document // that have problems
	}{
		"a gateway, and its secrets in the same batch":        {[][]serving.Update{{secrets, gateway}}, []api.Document{w.Gateway}},
		"a gateway, and its secrets in the next batch":        {[][]serving.Update{{gateway}, {secrets}}, []api.Document{w.Gateway}},
		"a gateway, and its secrets go and come":              {[][]serving.Update{{gateway}, {noSecrets}, {secrets}}, []api.Document{w.Gateway}},
		"a gateway that could not be compiled either":         {[][]serving.Update{{names}, {gateway}, {secrets}}, []api.Document{w.Gateway}},
		"secrets, and their gateway compiles with the former": {[][]serving.Update{{unreadable(w.Secrets), next}}, []api.Document{w.Secrets}},
		"both":                         {[][]serving.Update{{gateway, unreadable(w.Secrets)}}, []api.Document{w.Gateway, w.Secrets}},
		"a gateway that is good again": {[][]serving.Update{{gateway}, {secrets, next}}, nil},
		"a gateway that can be read again, but not compiled":      {[][]serving.Update{{gateway}, {names}}, []api.Document{w.Gateway}},
		"a gateway that could not be compiled, and is good again": {[][]serving.Update{{names}, {gateway}, {next}}, nil},
		"a gateway that is gone":                                  {[][]serving.Update{{names}, {gateway}, {{Object: gateway.Object}}, {secrets}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			state := serving.NewState(slog.New(slog.DiscardHandler))
			state.ApplyBatch(serving.Batch{Updates: start, ConfigMaps: "11", Secrets: "10"})
			for _, batch := range tc.batches {
				state.ApplyBatch(serving.Batch{Updates: batch, ConfigMaps: "21", Secrets: "20"})
			}
			var got, want []string
			for _, p := range state.Served().Problems {
				got = append(got, p.Object)
				if !p.Replaced {
					t.Errorf("the last good version of %s does not serve on", p.Object)
				}
			}
			for _, d := range tc.want {
				want = append(want, d.Head().ObjectName())
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("problems are %v", state.Served().Problems)
			}
		})
	}
}

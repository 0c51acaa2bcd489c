package documents

import (
	"errors"
	"testing"
)

func TestWhatIsDriftAndWhatIsNot(t *testing.T) {
	const object = "client.payments.thales-d1"
	good := Stored{Version: "8", raw: []byte("as written"), labelled: true}
	for name, c := range map[string]struct {
		memory func(c *confirmed)
		found  Stored
		want   Drift
	}{
		"as it was written":              {func(*confirmed) {}, Stored{Version: "7", raw: []byte("as written"), labelled: true}, ""},
		"touched, the document the same": {func(*confirmed) {}, good, ""},
		"another document":               {func(*confirmed) {}, Stored{Version: "8", raw: []byte("edited"), labelled: true}, Edited},
		"without its labels":             {func(*confirmed) {}, Stored{Version: "8", raw: []byte("as written")}, Edited},
		"gone":                           {func(*confirmed) {}, Stored{}, Deleted},
		"gone, and it was withdrawn":     {func(c *confirmed) { c.forget(object) }, Stored{}, ""},
		"another, after a failed write":  {func(c *confirmed) { c.forget(object) }, Stored{Version: "8", raw: []byte("edited"), labelled: true}, ""},
		"unreadable, after a restart":    {func(c *confirmed) { c.objects = nil }, Stored{Version: "8", raw: []byte("{"), labelled: true, Damage: errors.New("it ends early")}, Edited},
		"gone, after a restart":          {func(c *confirmed) { c.objects = nil }, Stored{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var memory confirmed
			memory.note(object, "7", []byte("as written"))
			c.memory(&memory)
			if got := memory.drift(object, c.found); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if got := memory.drift("client.payments.other", Stored{}); got != "" {
				t.Errorf("a document that was never written is %q", got)
			}
		})
	}
}

package cluster

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/lastgood"
)

func secret(name string, version int) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "client.ns." + name, ResourceVersion: strconv.Itoa(version)},
		Data:       map[string][]byte{api.DataKey: fmt.Appendf(nil, "%s at %d", name, version)},
	}
}

// event hands over an object as a reflector does: the version comes after it.
func (o *objects) event(how func(any) error, s *corev1.Secret) {
	_ = how(s)
	o.UpdateResourceVersion(s.ResourceVersion)
}

func TestObjectsAreTakenWithTheVersionThatTheyReach(t *testing.T) {
	for name, tc := range map[string]struct {
		do      func(*objects)
		version string
		want    map[string]string // of what is pending after a and b at 10 were taken: by name, empty for gone
	}{
		"nothing":                   {func(*objects) {}, "10", nil},
		"a change":                  {func(o *objects) { o.event(o.Update, secret("a", 12)) }, "12", map[string]string{"a": "a at 12"}},
		"a new one":                 {func(o *objects) { o.event(o.Add, secret("c", 12)) }, "12", map[string]string{"c": "c at 12"}},
		"a deletion":                {func(o *objects) { o.event(o.Delete, secret("a", 12)) }, "12", map[string]string{"a": ""}},
		"the newest of several":     {func(o *objects) { o.event(o.Update, secret("a", 12)); o.event(o.Update, secret("a", 13)) }, "13", map[string]string{"a": "a at 13"}},
		"a bookmark":                {func(o *objects) { o.UpdateResourceVersion("15") }, "10", nil},
		"a bookmark after a change": {func(o *objects) { o.event(o.Update, secret("a", 12)); o.UpdateResourceVersion("15") }, "12", map[string]string{"a": "a at 12"}},
		"a bookmark that tells the place of a change":        {func(o *objects) { _ = o.Add(secret("a", 12)); o.UpdateResourceVersion("15") }, "15", map[string]string{"a": "a at 12"}},
		"an event whose place in the order is not known yet": {func(o *objects) { _ = o.Add(secret("a", 12)) }, "10", map[string]string{"a": "a at 12"}},
		"a version that is lower":                            {func(o *objects) { o.event(o.Update, secret("a", 9)) }, "10", map[string]string{"a": "a at 9"}},
		"a version that has more digits":                     {func(o *objects) { o.event(o.Update, secret("a", 100)) }, "100", map[string]string{"a": "a at 100"}},
		"what is no version": {func(o *objects) {
			_ = o.Add(secret("a", 12))
			o.UpdateResourceVersion("0")
			_ = o.Add(secret("a", 12))
			o.UpdateResourceVersion("x")
		}, "10", map[string]string{"a": "a at 12"}},
		"a list in any order": {
			func(o *objects) { _ = o.Replace([]any{secret("c", 30), secret("a", 11), secret("b", 20)}, "31") }, "31",
			map[string]string{"a": "a at 11", "b": "b at 20", "c": "c at 30"},
		},
		"a list without one of them":    {func(o *objects) { _ = o.Replace([]any{secret("a", 10)}, "31") }, "31", map[string]string{"a": "a at 10", "b": ""}},
		"a list that tells nothing new": {func(o *objects) { _ = o.Replace([]any{secret("a", 9), secret("b", 10)}, "31") }, "10", map[string]string{"a": "a at 9", "b": "b at 10"}},
		"a list that tells nothing after an event": {func(o *objects) {
			o.event(o.Update, secret("a", 12))
			_ = o.Replace([]any{secret("a", 12), secret("b", 10)}, "31")
		}, "12", map[string]string{"a": "a at 12", "b": "b at 10"}},
		"a list of other objects, as many":                    {func(o *objects) { _ = o.Replace([]any{secret("a", 9), secret("c", 10)}, "31") }, "31", map[string]string{"a": "a at 9", "b": "", "c": "c at 10"}},
		"a list of a restored cluster":                        {func(o *objects) { _ = o.Replace([]any{secret("a", 3)}, "5") }, "5", map[string]string{"a": "a at 3", "b": ""}},
		"a list of a restored cluster that tells nothing new": {func(o *objects) { _ = o.Replace([]any{secret("a", 9), secret("b", 10)}, "8") }, "8", map[string]string{"a": "a at 9", "b": "b at 10"}},
		"a list after a deletion":                             {func(o *objects) { o.event(o.Delete, secret("a", 12)); _ = o.Replace([]any{secret("b", 10)}, "31") }, "12", map[string]string{"a": "", "b": "b at 10"}},
		"a list after a deletion whose place is not known":    {func(o *objects) { _ = o.Delete(secret("a", 12)); _ = o.Replace([]any{secret("b", 10)}, "31") }, "31", map[string]string{"a": "", "b": "b at 10"}},
		"a list after one that was added": {func(o *objects) {
			o.event(o.Add, secret("c", 12))
			_ = o.Replace([]any{secret("a", 10), secret("b", 10)}, "31")
		}, "31", map[string]string{"a": "a at 10", "b": "b at 10", "c": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newObjects(lastgood.Secrets, func() {}, slog.New(slog.DiscardHandler))
			if o.isListed() {
				t.Fatal("it is listed before a list")
			}
			_ = o.Replace([]any{secret("b", 10), secret("a", 9)}, "10")
			if first, version := o.take(); len(first) != 2 || version != "10" || !o.isListed() {
				t.Fatalf("the first list is %v at %s", first, version)
			}
			tc.do(o)
			taken, version := o.take()
			got := map[string]string{}
			for name, c := range taken {
				got[name[len("client.ns."):]] = string(c.data)
			}
			if !maps.Equal(got, tc.want) || version != tc.version {
				t.Errorf("taken are %v up to %s", got, version)
			}
			if again, _ := o.take(); len(again) != 0 {
				t.Errorf("taken twice: %v", slices.Collect(maps.Keys(again)))
			}
			// What a later list has not is gone, whatever came before.
			_ = o.Replace(nil, "40")
			last, _ := o.take()
			for name, c := range last {
				if c.data != nil {
					t.Errorf("%s is in an empty list", name)
				}
			}
		})
	}
}

func TestWhatIsExpectedButNotInTheFirstListIsGone(t *testing.T) {
	o := newObjects(lastgood.Secrets, func() {}, slog.New(slog.DiscardHandler))
	o.expect([]string{"client.ns.a", "client.ns.b"})
	_ = o.Replace([]any{secret("a", 9)}, "10")
	taken, _ := o.take()
	if c, known := taken["client.ns.b"]; len(taken) != 2 || !known || c.data != nil {
		t.Errorf("taken are %v", taken)
	}
}

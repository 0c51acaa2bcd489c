package translate

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
)

// withoutEnded answers the document without the delivery signing secrets that have signed long enough. A delivery keeps one in any case: it is not sent
// without a signature.
func withoutEnded(doc *serving.Gateway, secrets *serving.GatewaySecrets, now time.Time) *serving.Gateway {
	var ended []string
	for _, s := range secrets.SigningSecrets {
		if hasEnded(s, now) {
			ended = append(ended, s.ID)
		}
	}
	if len(ended) == 0 {
		return doc
	}
	without := func(d *serving.Destination) *serving.Destination {
		if d == nil {
			return nil
		}
		left := slices.DeleteFunc(slices.Clone(d.SigningSecrets), func(id string) bool { return slices.Contains(ended, id) })
		if len(left) == 0 {
			return d
		}
		changed := *d
		changed.SigningSecrets = left
		return &changed
	}
	changed := *doc
	changed.Delivery = without(doc.Delivery)
	changed.Merchants = slices.Clone(doc.Merchants)
	for i := range changed.Merchants {
		changed.Merchants[i].Delivery = without(changed.Merchants[i].Delivery)
	}
	return &changed
}

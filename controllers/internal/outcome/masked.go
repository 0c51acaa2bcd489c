package outcome

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/d1gateway/d1gateway/api/serving"
)

// MaskedRecorder answers a recorder that masks card numbers in the notes of events before next sends them. A note repeats names, client ids and
// host names, which may look like one. The object that an event is about is named as it is: a masked name would be another object.
func MaskedRecorder(next events.EventRecorder) events.EventRecorder { return maskedRecorder{next} }

type maskedRecorder struct{ next events.EventRecorder }

// Eventf sends the event with the note of format and args.
func (r maskedRecorder) Eventf(regarding, related runtime.Object, kind, reason, action, format string, args ...any) {
	r.next.Eventf(regarding, related, kind, reason, action, "%s", serving.MaskCardNumbers(fmt.Sprintf(format, args...)))
}

package merchant

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Event holds the context attributes of a CloudEvent in the binary mode of its HTTP
// binding, where each attribute is a header and the body is the data alone.
type Event struct {
	ID, Source, Type, Subject string
	// Time is zero when the event has none.
	Time time.Time
	// Extensions are the other attributes by name, without the prefix ce-.
	Extensions map[string]string
}

const (
	attributePrefix = "Ce-"
	specVersion     = "1.0"
)

// attributeName is what CloudEvents 1.0 allows. Header names have no case, so capitals
// cannot be told from small letters here.
var attributeName = regexp.MustCompile(`^[a-z0-9]+$`)

// parseEvent reads the attributes and checks those that CloudEvents 1.0 requires. The id
// has to be the one that was signed: attributes travel outside of the signature.
func parseEvent(header http.Header, body []byte) (Event, error) {
	attributes, err := readAttributes(header)
	if err != nil {
		return Event{}, err
	}
	if version := attributes["specversion"]; version != specVersion {
		return Event{}, fmt.Errorf("ce-specversion is %q and not %q", version, specVersion)
	}
	event := Event{ID: attributes["id"], Source: attributes["source"], Type: attributes["type"], Subject: attributes["subject"]}
	if event.ID == "" || event.ID != header.Get("Webhook-Id") {
		return Event{}, errors.New("ce-id is not webhook-id")
	}
	if _, err := url.Parse(event.Source); event.Source == "" || err != nil {
		return Event{}, errors.New("ce-source is not a URI reference")
	}
	if event.Type == "" {
		return Event{}, errors.New("ce-type is empty or missing")
	}
	if text, ok := attributes["time"]; ok {
		if event.Time, err = time.Parse(time.RFC3339, text); err != nil {
			return Event{}, errors.New("ce-time is not an RFC 3339 instant")
		}
	}
	for _, known := range []string{"specversion", "id", "source", "type", "subject", "time"} {
		delete(attributes, known)
	}
	event.Extensions = attributes
	return event, checkData(header.Get("Content-Type"), body)
}

func readAttributes(header http.Header) (map[string]string, error) {
	attributes := map[string]string{}
	for name, values := range header {
		suffix, isAttribute := strings.CutPrefix(name, attributePrefix)
		if !isAttribute {
			continue
		}
		attribute := strings.ToLower(suffix)
		if !attributeName.MatchString(attribute) {
			return nil, fmt.Errorf("%q is not an attribute name", name)
		}
		if len(values) != 1 {
			return nil, fmt.Errorf("ce-%s occurs %d times", attribute, len(values))
		}
		// The HTTP binding, section 3.1.3.2: what a header cannot hold is percent-encoded.
		value, err := url.PathUnescape(values[0])
		if err != nil {
			return nil, fmt.Errorf("ce-%s is not percent-encoded", attribute)
		}
		attributes[attribute] = value
	}
	return attributes, nil
}

// checkData holds the data to its Content-Type, which is the attribute datacontenttype.
func checkData(contentType string, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return errors.New("data without a content type")
	}
	if strings.HasPrefix(mediaType, "application/cloudevents") {
		return errors.New("structured mode where binary mode was expected")
	}
	if mediaType == "application/json" && !json.Valid(body) {
		return errors.New("data is not the JSON its content type says")
	}
	return nil
}

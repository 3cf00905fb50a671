package testing

// Laid into the standard library's package testing for the time of a run (-overlay): what becomes of each test goes to
// the launcher over a socket that was there before any test, each line with a token that only this file was told.
// What the tests print is no part of it.

import (
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var redgreen struct {
	mutex  sync.Mutex
	socket int
	token  string
}

func init() {
	socket, err := strconv.Atoi(os.Getenv("REDGREEN_CHANNEL"))
	if err != nil {
		return
	}
	// Processes that the tests start are none of ours.
	os.Unsetenv("REDGREEN_CHANNEL")
	syscall.CloseOnExec(socket)
	token := make([]byte, 32)
	for have := 0; have < len(token); {
		count, err := syscall.Read(socket, token[have:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || count <= 0 {
			return
		}
		have += count
	}
	redgreen.socket, redgreen.token = socket, string(token)
}

func redgreenTell(kind string, fields ...string) {
	if redgreen.token == "" {
		return
	}
	const digits = "0123456789abcdef"
	line := []byte(redgreen.token + " " + kind)
	for _, field := range fields {
		line = append(line, ' ')
		for index := 0; index < len(field); index++ {
			line = append(line, digits[field[index]>>4], digits[field[index]&15])
		}
	}
	line = append(line, '\n')
	redgreen.mutex.Lock()
	defer redgreen.mutex.Unlock()
	for len(line) > 0 {
		count, err := syscall.Write(redgreen.socket, line)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return
		}
		line = line[count:]
	}
}

func redgreenFile(function interface{}) string {
	pc := reflect.ValueOf(function).Pointer()
	if found := runtime.FuncForPC(pc); found != nil {
		file, _ := found.FileLine(pc)
		return file
	}
	return ""
}

func redgreenStart(c *common, function interface{}) {
	if c.parent != nil {
		redgreenTell("start", c.name, redgreenFile(function))
	}
}

func redgreenEnd(c *common, panics bool) {
	if c.parent == nil || c.bench {
		return
	}
	c.mu.RLock()
	output, duration, status := c.output, c.duration, "passed"
	if c.failed || panics {
		status = "failed"
	} else if c.skipped {
		status = "skipped"
	}
	c.mu.RUnlock()
	if panics {
		status = "panicked"
	}
	if len(output) > 8000 {
		output = output[:8000]
	}
	redgreenTell("end", c.name, status, strconv.FormatInt(int64(duration), 10), string(output))
}

func redgreenExample(eg *InternalExample, stdout string, passed *bool, spent time.Duration) {
	status, message := "failed", ""
	if *passed {
		status = "passed"
	} else {
		message = "got:\n" + strings.TrimSpace(stdout) + "\nwant:\n" + strings.TrimSpace(eg.Output)
	}
	if len(message) > 8000 {
		message = message[:8000]
	}
	redgreenTell("end", eg.Name, status, strconv.FormatInt(int64(spent), 10), message)
}

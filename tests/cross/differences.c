/* Says of each row in README.md what the system does on which it runs: `yes` where it is what Wine 8 does. */
#define _WIN32_WINNT 0x0A00
#define UNICODE
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

static wchar_t root[MAX_PATH];

static wchar_t *in_root(const wchar_t *name)
{
    static wchar_t paths[4][MAX_PATH];
    static int next;
    wchar_t *path = paths[next++ % 4];
    swprintf(path, MAX_PATH, L"%ls\\%ls", root, name);
    return path;
}

static HANDLE open_directory(const wchar_t *path, DWORD flags)
{
    return CreateFileW(path, FILE_LIST_DIRECTORY, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | flags, NULL);
}

static void write_file(const wchar_t *path)
{
    CloseHandle(CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL));
}

static void say(const char *row, int is_as_in_wine, const char *detail, DWORD number)
{
    printf("%s: %s (%s %lu)\n", row, is_as_in_wine ? "yes" : "no", detail, number);
}

/* A watched directory that is deleted. */
static void deleted(void)
{
    static DWORD changes[256];
    OVERLAPPED overlapped = {0};
    wchar_t *path = in_root(L"deleted");
    CreateDirectoryW(path, NULL);
    HANDLE directory = open_directory(path, FILE_FLAG_OVERLAPPED);
    overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    ReadDirectoryChangesW(directory, changes, sizeof changes, FALSE, FILE_NOTIFY_CHANGE_FILE_NAME, NULL, &overlapped, NULL);
    RemoveDirectoryW(path);
    DWORD waited = WaitForSingleObject(overlapped.hEvent, 2000);
    say("deleted", waited == WAIT_TIMEOUT, "the wait for its watch ended with", waited);
    CloseHandle(directory);
    RemoveDirectoryW(path);
}

/* The path behind a directory whose path is long. */
static void longer(void)
{
    static wchar_t path[1024], answer[1024];
    swprintf(path, 1024, L"\\\\?\\%ls", root);
    for (int level = 0; level < 12; level++) {
        wcscat(path, L"\\a directory of a long name");
        CreateDirectoryW(path, NULL);
    }
    HANDLE directory = open_directory(path, 0);
    DWORD length = GetFinalPathNameByHandleW(directory, answer, 1024, 0);
    DWORD error = length == 0 ? GetLastError() : 0;
    say("long", length != wcslen(path), "GetFinalPathNameByHandle: error", error);
    CloseHandle(directory);
    for (int level = 0; level < 12; level++) {
        RemoveDirectoryW(path);
        *wcsrchr(path, L'\\') = 0;
    }
}

/* What a symbolic link is once it is made. */
static void symbolic_link(void)
{
    wchar_t *target = in_root(L"target"), *link = in_root(L"link");
    write_file(target);
    BOOL is_made = CreateSymbolicLinkW(link, target, SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE);
    DWORD attributes = GetFileAttributesW(link);
    int is_link = attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT);
    say("symlink", is_made && !is_link, "made, and its attributes are", attributes);
    DeleteFileW(link);
    DeleteFileW(target);
}

/* When a directory was made, before and after something is made in it. */
static void birth(void)
{
    BY_HANDLE_FILE_INFORMATION before, after;
    wchar_t *path = in_root(L"birth"), *inside = in_root(L"birth\\inside");
    CreateDirectoryW(path, NULL);
    HANDLE directory = open_directory(path, 0);
    GetFileInformationByHandle(directory, &before);
    Sleep(50);
    write_file(inside);
    GetFileInformationByHandle(directory, &after);
    DWORD moved = (after.ftCreationTime.dwLowDateTime - before.ftCreationTime.dwLowDateTime) / 10000;
    say("birth", moved != 0, "its creation moved by so many milliseconds:", moved);
    CloseHandle(directory);
    DeleteFileW(inside);
    RemoveDirectoryW(path);
}

int main(void)
{
    wchar_t temporary[MAX_PATH];
    GetTempPathW(MAX_PATH - 40, temporary);
    swprintf(root, MAX_PATH, L"%lsclauth-differences-%lu", temporary, GetCurrentProcessId());
    CreateDirectoryW(root, NULL);
    deleted();
    longer();
    symbolic_link();
    birth();
    return !RemoveDirectoryW(root);
}

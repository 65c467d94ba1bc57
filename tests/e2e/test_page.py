"""The chat page of the sandbox in a real browser, against the real sandbox and a bot of a few lines."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, filters

from bot.sandbox import Sandbox, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one browser, in one event loop, for all of these tests

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ZONE = "America/Los_Angeles"
QUESTION = "How did you sleep?"
INVITE = "https://t.me/taperline_bot?start=k3y-7"


def keyboard(*rows: str) -> InlineKeyboardMarkup:
    """Buttons whose data is their text in small letters; one string a row, `|` between buttons."""
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=text.lower()) for text in row.split("|")] for row in rows]
    )


async def on_start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message
    if context.args:
        await update.message.reply_text(f"Invited with {context.args[0]}")
    else:
        await update.message.reply_text(QUESTION, reply_markup=keyboard("Well|Badly", "Why|Who reads this", "Silent"))


async def on_tap(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    query = update.callback_query
    assert query
    match query.data:
        case "why":
            await query.answer("Sleep comes first")
        case "who reads this":
            await query.answer("Only the clinic", show_alert=True)
        case "well" | "badly":
            await query.answer()
            await query.edit_message_text(f"{QUESTION} <b>{query.data}</b>", parse_mode="HTML")
            await query.from_user.send_message("And today?", reply_markup=keyboard("Fine", "So-so"))
        case "fine" | "so-so":
            await query.answer("Saved")


async def on_text(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    message = update.effective_message
    assert message
    if update.edited_message:
        await message.reply_text(f"You now say {message.text}")
    elif message.text == "invite":
        await message.reply_text(f"Here: {INVITE}")
    elif message.text == "keys":
        await message.reply_text("Choose", reply_markup=ReplyKeyboardMarkup([["Tea", "Water"]], one_time_keyboard=True))
    else:
        await message.reply_html(f"You said <i>{message.text_html}</i>")


def chromium() -> str:
    """The path of a browser; without one the tests are skipped, but in CI they fail."""
    names = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail("no Chromium on this machine: CI must have one for the tests of the chat page")
    pytest.skip("no Chromium on this machine: install one to run the tests of the chat page")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox.with_default_people()


@pytest_asyncio.fixture(loop_scope="module")
async def address(sandbox: Sandbox) -> AsyncIterator[str]:
    """The sandbox served, with the bot polling it."""
    async with serve(sandbox) as url, AsyncExitStack() as stack:
        bot = Application.builder().token(sandbox.token).base_url(f"{url}/bot").build()
        bot.add_handler(CommandHandler("start", on_start))
        bot.add_handler(CallbackQueryHandler(on_tap))
        bot.add_handler(MessageHandler(filters.TEXT, on_text))
        await stack.enter_async_context(bot)
        await bot.bot.set_my_commands([("start", "Begin"), ("help", "Get help")])
        await bot.start()
        stack.push_async_callback(bot.stop)
        assert bot.updater
        await bot.updater.start_polling()
        stack.push_async_callback(bot.updater.stop)
        yield url


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, address: str) -> AsyncIterator[Page]:
    """The page in a desktop window; an error in its script fails the test."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id=ZONE)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    await page.goto(address)
    await expect(page.get_by_text("Bot is up")).to_be_visible()
    yield page
    await page.close()
    assert broken == []


def patient(page: Page) -> Locator:
    return page.get_by_role("region", name="Patient phone")


def clinician(page: Page) -> Locator:
    return page.get_by_role("region", name="Clinician phone")


def key(phone: Locator, text: str) -> Locator:
    return phone.get_by_role("button", name=text, exact=True)


async def press_start(phone: Locator) -> None:
    await key(phone, "Start").click()
    await expect(phone.get_by_text(QUESTION)).to_be_visible()


async def write(phone: Locator, text: str) -> None:
    composer = phone.get_by_role("textbox")
    await composer.fill(text)
    await composer.press("Enter")


async def test_a_new_chat_teaches_and_its_start_button_sends_start(page: Page) -> None:
    phone = patient(page)
    await expect(phone.get_by_text("What can Taperline do?")).to_be_visible()
    await press_start(phone)
    await expect(phone.locator(".own .text")).to_contain_text("/start")
    await expect(phone.get_by_label("The bot has answered since")).to_be_visible()


async def test_a_tap_is_busy_until_the_bot_edits_the_question(page: Page) -> None:
    phone = patient(page)
    await press_start(phone)
    await key(phone, "Silent").click()
    await expect(key(phone, "Silent")).to_have_attribute("aria-busy", "true")
    await key(phone, "Well").click()
    question = phone.locator(".message", has_text=QUESTION)
    await expect(question.locator("b")).to_have_text("well")
    await expect(question.get_by_text("edited")).to_be_visible()
    await expect(question.locator(".key")).to_have_count(0)
    await expect(key(phone, "So-so")).to_be_visible()


async def test_an_answer_to_a_tap_is_a_toast_or_an_alert(page: Page) -> None:
    phone = patient(page)
    await press_start(phone)
    await key(phone, "Why").click()
    await expect(phone.get_by_role("status")).to_have_text("Sleep comes first")
    await expect(key(phone, "Why")).not_to_have_attribute("aria-busy", "true")
    await key(phone, "Who reads this").click()
    alert = phone.get_by_role("alertdialog")
    await expect(alert).to_contain_text("Only the clinic")
    await expect(key(alert, "OK")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(alert).to_have_count(0)


async def test_an_old_keyboard_still_works(page: Page) -> None:
    phone = patient(page)
    await press_start(phone)
    await write(phone, "/start")
    await expect(phone.get_by_text(QUESTION)).to_have_count(2)
    await phone.get_by_role("button", name="Well", exact=True).first.click()
    await expect(phone.locator(".message", has_text=QUESTION).first.locator("b")).to_have_text("well")


async def test_what_reaches_somebody_else_is_counted_as_unread_and_a_click_goes_there(
    page: Page, sandbox: Sandbox
) -> None:
    phone = patient(page)
    rosa = next(person for person in sandbox.people.values() if person.first_name == "Rosa")
    sandbox.say(rosa, "hello")
    chip = phone.locator(".person", has_text="Rosa")
    await expect(chip.locator(".badge")).to_contain_text("1 unread")
    await expect(page).to_have_title("(1) Taperline sandbox")
    await chip.click()
    await expect(phone.get_by_text("You said hello")).to_be_visible()
    await expect(phone.locator(".badge")).to_have_count(0)
    await expect(phone.locator(".person[aria-current]")).to_have_text(re.compile("Rosa"))


async def test_a_person_can_be_added(page: Page) -> None:
    phone = clinician(page)
    await key(phone, "Add a clinician").click()
    dialog = page.get_by_role("dialog", name="Add a clinician")
    await expect(dialog.get_by_label("First name")).to_be_focused()
    await dialog.get_by_label("First name").fill("Kim")
    await dialog.get_by_label("First name").press("Enter")
    await expect(phone.locator(".person[aria-current]")).to_have_text(re.compile("Kim"))
    await expect(phone.get_by_text("You are holding Kim’s phone.")).to_be_visible()


async def test_the_clock_is_moved_and_shown_in_the_zone_of_the_browser(page: Page, sandbox: Sandbox) -> None:
    before = sandbox.clock.now()
    await page.get_by_role("button", name="Next morning").click()
    await expect(page.locator("#clock")).to_contain_text("09:00")
    await page.get_by_role("button", name="+1 week").click()
    await sandbox.wait_for(lambda: (sandbox.clock.now() - before).days >= 7)
    await expect(page.locator("#clock")).to_contain_text(f"{sandbox.clock.now().astimezone(ZoneInfo(ZONE)).day} ")
    await expect(page.get_by_role("heading", name="A week goes by (done)")).to_be_visible()


async def test_a_fault_is_made_counted_and_cleared(page: Page, sandbox: Sandbox) -> None:
    await page.get_by_role("button", name="Faults").click()
    await page.get_by_label("Cut after accept").check()
    await page.get_by_label("3 times").check()
    await page.get_by_role("button", name="Make it happen").click()
    await expect(page.locator("#faults-count")).to_have_text("1")
    assert [(fault.kind, fault.times) for fault in sandbox.faults.waiting] == [("cut", 3)]
    await page.get_by_role("button", name="Clear all").click()
    await expect(page.get_by_text("All calls go through.")).to_be_visible()


async def test_a_question_is_answered_without_a_mouse(page: Page) -> None:
    phone = patient(page)
    await page.keyboard.press("/")
    await expect(phone.get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("/start")
    await page.keyboard.press("Enter")
    await expect(phone.get_by_text(QUESTION)).to_be_visible()
    await page.keyboard.press("ArrowUp")
    await expect(key(phone, "Well")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(key(phone, "Badly")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(key(phone, "So-so")).to_be_visible()
    await page.keyboard.press("2")
    await expect(phone.get_by_role("status")).to_have_text("Saved")
    await page.keyboard.press("Escape")
    await expect(phone.get_by_role("textbox")).to_be_focused()


async def test_a_number_taps_while_typing_only_with_alt(page: Page) -> None:
    phone = patient(page)
    await press_start(phone)
    composer = phone.get_by_role("textbox")
    await composer.fill("2")
    await composer.press("1")
    await expect(composer).to_have_value("21")
    await composer.press("Alt+1")
    await expect(key(phone, "So-so")).to_be_visible()


async def test_shortcuts_switch_the_phone_and_the_person(page: Page) -> None:
    await page.keyboard.press("Alt+KeyC")
    await expect(clinician(page).get_by_role("textbox")).to_be_focused()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(clinician(page).locator(".person[aria-current]")).to_have_text(re.compile("Jordan"))
    await page.keyboard.press("Alt+KeyP")
    await expect(patient(page).get_by_role("textbox")).to_be_focused()
    await page.keyboard.press("Escape")
    await patient(page).get_by_role("log").focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


async def test_a_deep_link_in_a_message_starts_the_bot_as_whoever_clicks_it(page: Page) -> None:
    phone = patient(page)
    await write(phone, "invite")
    await phone.get_by_role("link", name=INVITE).click()
    await expect(phone.get_by_text("Invited with k3y-7")).to_be_visible()


async def test_a_pasted_invite_link_is_opened_on_a_fresh_phone(page: Page) -> None:
    await write(clinician(page), INVITE)
    await expect(clinician(page).get_by_text("Invited with k3y-7")).to_be_visible()
    await expect(clinician(page).locator(".own .text").first).to_contain_text("/start k3y-7")


async def test_an_own_message_is_edited(page: Page) -> None:
    phone = patient(page)
    await write(phone, "tow tablets")
    await expect(phone.get_by_text("You said tow tablets")).to_be_visible()
    await phone.locator(".own .bubble").dblclick()
    await expect(phone.get_by_role("textbox")).to_have_value("tow tablets")
    await write(phone, "two tablets")
    await expect(phone.get_by_text("You now say two tablets")).to_be_visible()
    await expect(phone.locator(".own", has_text="two tablets").get_by_text("edited")).to_be_visible()


async def test_the_menu_of_commands_and_the_reply_keyboard_send_text(page: Page) -> None:
    phone = patient(page)
    await phone.get_by_role("textbox").fill("/he")
    await phone.get_by_role("option", name="/help").click()
    await expect(phone.get_by_text("You said /help")).to_be_visible()
    await write(phone, "keys")
    await key(phone, "Water").click()
    await expect(phone.get_by_text("You said Water")).to_be_visible()
    await expect(key(phone, "Water")).to_have_count(0)


async def test_the_newest_message_stays_in_view_when_a_keyboard_takes_room(page: Page, sandbox: Sandbox) -> None:
    phone = patient(page)
    sam = next(iter(sandbox.people.values()))
    for number in range(12):
        sandbox.say(sam, f"line {number}\n" * 4)
    await expect(phone.get_by_text("You said line 11")).to_be_in_viewport()
    await write(phone, "keys")
    await expect(key(phone, "Water")).to_be_visible()
    await expect(phone.get_by_text("Choose")).to_be_in_viewport(ratio=1)
    await page.set_viewport_size({"width": 1280, "height": 600})
    await expect(phone.get_by_text("Choose")).to_be_in_viewport(ratio=1)
    await page.reload()
    await expect(key(phone, "Water")).to_be_visible()
    await expect(phone.get_by_text("Choose")).to_be_in_viewport(ratio=1)


async def test_a_file_and_a_sticker_are_sent(page: Page, sandbox: Sandbox, tmp_path: Path) -> None:
    phone = patient(page)
    diary = tmp_path / "diary.txt"
    diary.write_text("slept six hours")
    await phone.locator("input[type=file]").set_input_files(diary)
    await expect(phone.get_by_role("link", name="diary.txt")).to_be_visible()
    await key(phone, "Attach").click()
    await page.get_by_role("menuitem", name="Sticker").click()
    await expect(phone.get_by_role("img", name="Sticker")).to_be_visible()
    kinds = [{"document", "sticker"} & message.keys() for message in sandbox.messages()]
    assert kinds == [{"document"}, {"sticker"}]


async def test_a_blocked_bot_cannot_be_written_to_until_it_is_unblocked(page: Page) -> None:
    phone = patient(page)
    await press_start(phone)
    await key(phone, "More").click()
    await page.get_by_role("menuitem", name="Block the bot").click()
    await expect(phone.get_by_text("You blocked this bot.")).to_be_visible()
    await expect(phone.get_by_role("textbox")).to_have_count(0)
    await key(phone, "Unblock").click()
    await expect(phone.get_by_role("textbox")).to_be_visible()


async def test_what_people_and_bots_write_never_becomes_markup(page: Page) -> None:
    phone = patient(page)
    await write(phone, "<img src=x onerror=alert(1)><b>not bold</b>")
    own = phone.locator(".own .text")
    await expect(own).to_contain_text("<img src=x onerror=alert(1)><b>not bold</b>")
    await expect(own.locator("img, b")).to_have_count(0)


async def test_a_refused_message_stays_with_the_reason_and_can_be_sent_again(page: Page) -> None:
    phone = patient(page)
    await page.route("**/sandbox/messages", lambda route: route.abort(), times=1)
    await write(phone, "hello")
    await expect(phone.get_by_text("Not sent. The sandbox does not answer.")).to_be_visible()
    await key(phone, "Try again").click()
    await expect(phone.get_by_text("You said hello")).to_be_visible()
    await expect(phone.get_by_text("Not sent.")).to_have_count(0)


async def test_a_lost_connection_is_shown_and_what_was_missed_is_read(browser: Browser, sandbox: Sandbox) -> None:
    sam = next(iter(sandbox.people.values()))
    rosa = next(person for person in sandbox.people.values() if person.first_name == "Rosa")
    async with serve(sandbox) as address:
        page = await browser.new_page()
        await page.goto(address)
        await expect(page.get_by_text("Bot is up")).to_be_visible()
    await expect(page.get_by_text("Reconnecting …")).to_be_visible()
    sandbox.say(sam, "while you were away")
    answer = sandbox.new_message(sandbox.chat(rosa), sandbox.bot, {"text": "me too"})
    sandbox.tell({"type": "message", "message": sandbox.view(answer)})
    async with serve(sandbox, port=int(address.rpartition(":")[2])):
        await expect(page.get_by_text("Bot is up")).to_be_visible()
        await expect(patient(page).get_by_text("while you were away")).to_be_visible()
        await expect(patient(page).locator(".person", has_text="Rosa").locator(".badge")).to_contain_text("1 unread")
        await page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_at_the_width_of_a_phone_one_phone_is_shown_and_nothing_scrolls_sideways(
    browser: Browser, address: str, scheme: str
) -> None:
    page = await browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    await page.goto(address)
    await press_start(patient(page))
    await write(patient(page), "a_word_without_a_single_space_in_it_" * 8)
    await expect(patient(page).get_by_text("You said a_word")).to_be_visible()
    await expect(clinician(page)).to_be_hidden()
    bubble = await patient(page).locator(".own .bubble").last.bounding_box()
    assert bubble
    assert 0 < bubble["x"] < bubble["x"] + bubble["width"] < 360
    clipped = "node => node.scrollWidth > node.clientWidth"
    assert not await patient(page).locator(".own .bubble").last.evaluate(clipped)
    assert not await patient(page).get_by_role("log").evaluate(clipped)
    sizes = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert await page.evaluate(sizes) == [360, 740]
    box = await patient(page).get_by_role("textbox").bounding_box()
    assert box
    assert 740 - 70 < box["y"] + box["height"] <= 740
    await page.get_by_role("navigation", name="People").get_by_role("button", name="Dr. Lee").click()
    await expect(clinician(page)).to_be_visible()
    await expect(patient(page)).to_be_hidden()
    await page.get_by_role("button", name="Controls").click()
    await expect(page.get_by_role("button", name="+1 week")).to_be_visible()
    assert await page.evaluate(sizes) == [360, 740]
    await page.close()


async def test_a_desktop_window_does_not_scroll(page: Page) -> None:
    assert await page.evaluate("[document.body.scrollWidth, document.body.scrollHeight]") == [1280, 800]
    await expect(page.get_by_role("complementary", name="A two-minute tour")).to_be_visible()

"""The code pages of ActiveSync's WBXML: which byte stands for which tag.

Published as MS-ASWBXML, section 2.1.2.1:
https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-aswbxml/. Here are the pages of Direct Push
(AirSync, FolderHierarchy, Ping, Provision, Settings), and those of the mails that a Sync brings along. A tag is
written `Ping:HeartbeatInterval`: the name of the page, a colon, its own name.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_FIRST_TOKEN = 5
_UNUSED = "-"

_PAGES: Final = {
    0: (
        "AirSync",
        """Sync Responses Add Change Delete Fetch SyncKey ClientId ServerId Status Collection
        Class Version CollectionId GetChanges MoreAvailable WindowSize Commands Options FilterType Truncation
        RtfTruncation Conflict Collections ApplicationData DeletesAsMoves NotifyGUID
        Supported SoftDelete MIMESupport MIMETruncation Wait Limit Partial ConversationMode MaxItems
        HeartbeatInterval""",
    ),
    2: (
        "Email",
        """- - - - - - - - - - DateReceived - DisplayTo Importance MessageClass Subject Read To Cc From ReplyTo
        AllDayEvent Categories Category DtStamp EndTime InstanceType BusyStatus Location MeetingRequest Organizer
        RecurrenceId Reminder ResponseRequested Recurrences Recurrence Type Until Occurrences Interval DayOfWeek
        DayOfMonth WeekOfMonth MonthOfYear StartTime Sensitivity TimeZone GlobalObjId ThreadTopic - - -
        InternetCPID Flag Status ContentClass FlagType CompleteTime DisallowNewTimeProposal""",
    ),
    4: (
        "Calendar",
        """TimeZone AllDayEvent Attendees Attendee Email Name - - BusyStatus Categories Category - DtStamp EndTime
        Exception Exceptions Deleted ExceptionStartTime Location MeetingStatus OrganizerEmail OrganizerName Recurrence
        Type Until Occurrences Interval DayOfWeek DayOfMonth WeekOfMonth MonthOfYear Reminder Sensitivity Subject
        StartTime UID AttendeeStatus AttendeeType - - - - - - - - DisallowNewTimeProposal ResponseRequested
        AppointmentReplyTime ResponseType CalendarType IsLeapMonth FirstDayOfWeek OnlineMeetingConfLink
        OnlineMeetingExternalLink ClientUid""",
    ),
    7: (
        "FolderHierarchy",
        """Folders Folder DisplayName ServerId ParentId Type Response Status ContentClass Changes Add
        Delete Update SyncKey FolderCreate FolderDelete FolderUpdate FolderSync Count Version""",
    ),
    9: (
        "Tasks",
        """- - - Categories Category Complete DateCompleted DueDate UtcDueDate Importance Recurrence Type Start Until
        Occurrences Interval DayOfMonth DayOfWeek WeekOfMonth MonthOfYear Regenerate DeadOccur ReminderSet
        ReminderTime Sensitivity StartDate UtcStartDate Subject - OrdinalDate SubOrdinalDate CalendarType
        IsLeapMonth FirstDayOfWeek""",
    ),
    13: ("Ping", "Ping AutdState Status HeartbeatInterval Folders Folder Id Class MaxFolders"),
    14: (
        "Provision",
        """Provision Policies Policy PolicyType PolicyKey Data Status RemoteWipe EASProvisionDoc
        DevicePasswordEnabled AlphanumericDevicePasswordRequired
        RequireStorageCardEncryption PasswordRecoveryEnabled - AttachmentsEnabled MinDevicePasswordLength
        MaxInactivityTimeDeviceLock MaxDevicePasswordFailedAttempts MaxAttachmentSize AllowSimpleDevicePassword
        DevicePasswordExpiration DevicePasswordHistory AllowStorageCard AllowCamera RequireDeviceEncryption
        AllowUnsignedApplications AllowUnsignedInstallationPackages
        MinDevicePasswordComplexCharacters AllowWiFi AllowTextMessaging AllowPOPIMAPEmail AllowBluetooth AllowIrDA
        RequireManualSyncWhenRoaming AllowDesktopSync MaxCalendarAgeFilter AllowHTMLEmail MaxEmailAgeFilter
        MaxEmailBodyTruncationSize MaxEmailHTMLBodyTruncationSize RequireSignedSMIMEMessages
        RequireEncryptedSMIMEMessages RequireSignedSMIMEAlgorithm
        RequireEncryptionSMIMEAlgorithm AllowSMIMEEncryptionAlgorithmNegotiation AllowSMIMESoftCerts AllowBrowser
        AllowConsumerEmail AllowRemoteDesktop AllowInternetSharing UnapprovedInROMApplicationList ApplicationName
        ApprovedApplicationList Hash AccountOnlyRemoteWipe""",
    ),
    17: (
        "AirSyncBase",
        """BodyPreference Type TruncationSize AllOrNone - Body Data EstimatedDataSize Truncated
        Attachments Attachment DisplayName FileReference Method ContentId ContentLocation IsInline
        NativeBodyType ContentType Preview BodyPartPreference BodyPart Status Add Delete ClientId Content
        Location Annotation Street City State Country PostalCode Latitude Longitude Accuracy Altitude
        AltitudeAccuracy LocationUri InstanceId""",
    ),
    18: (
        "Settings",
        """Settings Status Get Set Oof OofState StartTime EndTime OofMessage AppliesToInternal
        AppliesToExternalKnown AppliesToExternalUnknown Enabled ReplyMessage
        BodyType DevicePassword Password DeviceInformation Model IMEI FriendlyName OS OSLanguage
        PhoneNumber UserInformation EmailAddresses SMTPAddress
        UserAgent EnableOutboundSMS MobileOperator PrimarySmtpAddress Accounts Account AccountId AccountName
        UserDisplayName SendDisabled - RightsManagementInformation""",
    ),
    22: (
        "Email2",
        """UmCallerID UmUserNotes UmAttDuration UmAttOrder ConversationId ConversationIndex
        LastVerbExecuted LastVerbExecutionTime ReceivedAsBcc Sender CalendarType
        IsLeapMonth AccountId FirstDayOfWeek MeetingMessageType - IsDraft Bcc Send""",
    ),
    24: (
        "RightsManagement",
        """RightsManagementSupport RightsManagementTemplates RightsManagementTemplate
        RightsManagementLicense EditAllowed ReplyAllowed ReplyAllAllowed ForwardAllowed
        ModifyRecipientsAllowed ExtractAllowed PrintAllowed
        ExportAllowed ProgrammaticAccessAllowed Owner ContentExpiryDate TemplateID TemplateName
        TemplateDescription ContentOwner RemoveRightsManagementProtection""",
    ),
}
"""By number: the name, and the tags in the order of their tokens, which begin at 5."""


def _tokens(name: str, tags: str) -> Mapping[int, str]:
    numbered = enumerate(tags.split(), _FIRST_TOKEN)
    return MappingProxyType({token: f"{name}:{tag}" for token, tag in numbered if tag != _UNUSED})


TAGS: Final[Mapping[int, Mapping[int, str]]] = MappingProxyType(
    {page: _tokens(name, tags) for page, (name, tags) in _PAGES.items()}
)
"""Page, then token: the tag."""

TOKENS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {tag: (page, token) for page, tags in TAGS.items() for token, tag in tags.items()}
)
"""Tag: its page and token."""
